/** Everybody who staged something hears what became of it, and nobody that it is unwritten when it may be durable. */
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { LoomError } from '../../src/base/errors.js'
import { systemRandom } from '../../src/base/random.js'
import { CommitLoop } from '../../src/shard/commit-loop.js'
import { Shard } from '../../src/shard/shard.js'
import type { Medium, Outcome } from '../../src/storage/medium.js'
import { workflow } from '../../src/workflow/define.js'
import { gate, Lines, open } from '../loom/rig.js'
import { codeOf, Faults, openWithShards, QUICK, soon } from './shards-rig.js'

const UNKNOWN: Outcome = { ok: false, why: 'unknown' }
const FENCED: Outcome = { ok: false, why: 'fenced' }
const OK: Outcome = { ok: true }

test('a commit that is refused when it is sent again may have applied before: its turns are told so, later ones are not', async () => {
  const loop = loopWith([[UNKNOWN], [FENCED]])
  const shard = new Shard(0, { epoch: 1, incarnation: 'i' }, undefined)

  const inFlight = stageOn(shard)
  loop.touch(shard)
  await pause(10)
  const staged = stageOn(shard)
  loop.touch(shard)

  expect(await inFlight).toBe('LOOM_OUTCOME_UNKNOWN')
  expect(await staged).toBe('LOOM_SHARD_FENCED')
})

test('a commit that is refused at once was not written', async () => {
  const loop = loopWith([[FENCED]])
  const shard = new Shard(0, { epoch: 1, incarnation: 'i' }, undefined)

  const staged = stageOn(shard)
  loop.touch(shard)

  expect(await staged).toBe('LOOM_SHARD_FENCED')
})

test('turns that are durable are told so, though their shard is closed while others are told', async () => {
  const loop = loopWith([[OK, OK]])
  const [one, other] = [0, 1].map((id) => new Shard(id, { epoch: 1, incarnation: 'i' }, undefined)) as [Shard, Shard]

  void stageOn(one, () => other.close(new LoomError('LOOM_UNAVAILABLE', 'closed by the test')))
  const told = stageOn(other)
  loop.touch(one)
  loop.touch(other)

  expect(await soon(told, 300)).toBe('durable')
})

test('what is staged where nothing is written any more fails at once', async () => {
  const loop = loopWith([])
  const shard = new Shard(0, { epoch: 1, incarnation: 'i' }, undefined)

  loop.close(new LoomError('LOOM_CLOSED', 'closed by the test'))
  const first = stageOn(shard)
  loop.touch(shard)
  const second = stageOn(shard)
  loop.touch(shard)

  expect(await soon(Promise.all([first, second]), 300)).toEqual(['LOOM_CLOSED', 'LOOM_CLOSED'])
})

test('a start in flight when its shard is dropped is not called unwritten', async () => {
  const faults = new Faults()
  const { loom, lose } = await openWithShards({ medium: faults.medium, shardCount: 1, settings: QUICK })
  await loom.start('other', { workflowId: 'first', taskQueue: 'remote' })

  const told = loom.start('other', { workflowId: 'w', taskQueue: 'remote' }).catch(codeOf)
  await new Promise((resolve) => setImmediate(resolve))
  lose(0)

  expect(await told).toBe('LOOM_OUTCOME_UNKNOWN')
})

test('calls that read while the loom is closed are answered', async () => {
  const faults = new Faults()
  const hold = workflow({ name: 'hold' }, (ctx) => ctx.sleep('1 h'))
  const options = { medium: faults.medium, shardCount: 1, definitions: [hold], settings: QUICK }
  const first = await open(options)
  await first.start(hold, { workflowId: 'w' })
  await first.close()
  const loom = await open(options)
  const reading = gate()

  faults.slowly = reading.promise
  const handle = loom.handle('w')
  const calls = [handle.signal('go'), handle.terminate(), handle.result()].map((call) => call.catch(codeOf))
  await pause(10)
  await loom.close({ graceMs: 0 })
  reading.open()

  expect(await soon(Promise.all(calls), 300)).toEqual(['LOOM_CLOSED', 'LOOM_CLOSED', 'LOOM_CLOSED'])
})

function loopWith(answers: readonly (readonly Outcome[])[]): CommitLoop {
  let sent = 0
  const medium = {
    supports: { lanes: 1, maxCommitBytes: 1e7 },
    commit: async () => answers[sent++]!,
  } as unknown as Medium
  return new CommitLoop({
    medium,
    clock: systemClock,
    random: systemRandom,
    logger: new Lines(),
    afterRound: (fn) => setImmediate(fn),
    validUntil: () => Infinity,
    onShardLost: () => {},
    onBroken: () => {},
  })
}

/** What its turn is told: 'durable', or the code of the error. */
function stageOn(shard: Shard, onDurable?: () => void): Promise<string> {
  shard.put('\x41a', 1, Buffer.from('x'))
  return new Promise((resolve) => {
    const durable = (): void => {
      onDurable?.()
      resolve('durable')
    }
    shard.stage().turns.push({ durable, failed: ({ code }) => resolve(code) })
  })
}
