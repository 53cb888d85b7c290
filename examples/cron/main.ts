/**
 * A report on every working day at six, in a chain of runs that a cron schedule starts. Each run goes on from where the
 * last good one ended, so what a bad morning leaves out is in the next report.
 *
 * `npx tsx examples/cron/main.ts` takes a week and a moment: its clock is moved by hand.
 */
import { z } from 'zod'
import { activity, memory, openLoom, silentLogger, workflow, type Logger } from '../../src/index.js' // 'shardloom'
import { VirtualClock } from '../../src/testing/index.js' // 'shardloom/testing'

const clock = new VirtualClock()
const logger: Logger = {
  ...silentLogger,
  info: (_, message) => console.log(`${new Date(clock.nowMs()).toUTCString().slice(0, 22)}  ${message}`),
}

// docs: begin
const mailReport = activity(
  { name: 'mailReport', input: z.object({ sinceMs: z.number(), untilMs: z.number() }), retry: { maximumAttempts: 2 } },
  ({ sinceMs, untilMs }, { attempt, log }) => {
    if (new Date(untilMs).getUTCDay() === 2) {
      log.info({}, `attempt ${attempt}: the mail server is down`)
      throw new Error('the mail server is down')
    }
    log.info({}, `a report on ${(untilMs - sinceMs) / 3_600_000} hours`)
  },
)

const report = workflow({ name: 'report', output: z.number() }, async (ctx) => {
  const untilMs = ctx.now()
  const sinceMs = z.number().default(ctx.info.startedAtMs).parse(ctx.info.lastResult)
  await ctx.run(mailReport, { sinceMs, untilMs })
  return untilMs
})
// docs: end

const loom = await openLoom({ medium: memory(), shardCount: 4, definitions: [report, mailReport], clock, logger })

// docs: begin
// Whenever the application starts: if the chain is there already, this is a handle of it.
const handle = await loom.start(report, {
  workflowId: 'report',
  cronSchedule: '0 6 * * mon-fri',
  workflowIdConflictPolicy: 'UseExisting',
})
// docs: end

logger.info({}, 'started')
await clock.advance('7 days')
await handle.terminate('nobody reads it')
logger.info({}, (await loom.handle('report').describe()).status)

await loom.close()
