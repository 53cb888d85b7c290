/** The rows that the engine writes for one execution of a workload, recorded with nobody else about. */
import type { ShardCommit } from '../../src/storage/medium.js'
import type { Jobs, LoopName } from '../job.js'
import { ORDER, SIGNALS } from '../programs.js'
import { shapeOf, type ExecutionShape } from '../shape.js'
import { newWorkflowId, openUnderTest, type Package, type UnderTest } from '../under-test.js'

/** The first ones may write more than those that follow. */
const EXECUTIONS = 3

type RunOne = (test: UnderTest, workflowId: string) => Promise<string>

const ONE: Readonly<Record<LoopName, RunOne>> = {
  W1: async ({ loom, programs }, workflowId) => {
    const handle = await loom.start(programs.oneActivity, { workflowId, input: ORDER })
    await handle.result()
    return handle.runId
  },
  W2: async ({ loom, programs }, workflowId) => {
    const handle = await loom.start(programs.tenActivities, { workflowId, input: ORDER })
    await handle.result()
    return handle.runId
  },
  W3: async ({ loom, programs }, workflowId) => {
    const handle = await loom.start(programs.sleeper, { workflowId })
    await handle.result()
    return handle.runId
  },
  W4: async ({ loom, programs }, workflowId) => {
    const handle = await loom.start(programs.adder, { workflowId })
    for (let value = 0; value < SIGNALS; value++) await handle.signal('add', value)
    await handle.result()
    return handle.runId
  },
}

export async function recordShape(shardloom: Package, { workload, folder }: Jobs['shape']): Promise<ExecutionShape> {
  let commits: ShardCommit[] = []
  const test = await openUnderTest(shardloom, { medium: 'level', folder, onCommit: (commit) => commits.push(commit) })
  let shape: ExecutionShape = []
  for (let count = 0; count < EXECUTIONS; count++) {
    commits = []
    const workflowId = newWorkflowId()
    const runId = await ONE[workload](test, workflowId)
    shape = shapeOf(commits, workflowId, runId)
  }
  await test.loom.close()
  return shape
}
