/** W6: executions that wait for a signal, a process that is killed, and how soon the next one has all of them going again. */
import type { Figures } from '../figures.js'
import { rounded } from '../figures.js'
import type { Parked } from '../job.js'
import { forEach } from '../lanes.js'
import { ORDER } from '../programs.js'
import { openUnderTest, peakRssMb, type Package } from '../under-test.js'

const STARTS_AT_ONCE = 512
export const SIGNALS_AT_ONCE = 256

/** Says so when all of them wait durably, and then waits to be killed. */
export async function park(shardloom: Package, { folder, count }: Parked): Promise<'parked'> {
  const { loom, programs } = await openUnderTest(shardloom, { medium: 'level', folder })
  await forEach(count, STARTS_AT_ONCE, async (index) => {
    await loom.start(programs.parked, { workflowId: idOf(index), input: { ...ORDER, id: index } })
  })
  setInterval(() => {}, 1000)
  return 'parked'
}

/** Each gets its signal and completes. The time counts from the start of this process. */
export async function wake(shardloom: Package, { folder, count }: Parked): Promise<Partial<Figures>> {
  const { loom, programs } = await openUnderTest(shardloom, { medium: 'level', folder })
  await forEach(count, SIGNALS_AT_ONCE, async (index) => {
    const handle = loom.handle(programs.parked, idOf(index))
    await handle.signal('go', index)
    const { go, id } = await handle.result()
    if (go !== index || id !== index) throw new Error(`execution ${index} gave ${go} and ${id}`)
  })
  const recoverMs = rounded(performance.now())
  const { user, system } = process.cpuUsage()
  const rssMb = peakRssMb()
  await loom.close()
  return { recoverMs, cpuMicrosPerExecution: rounded((user + system) / count), rssMb }
}

function idOf(index: number): string {
  return `parked-${index}`
}
