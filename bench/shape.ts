/**
 * The rows that the engine writes for one execution: recorded from a loom, and made again for any number of others.
 *
 * Of a key, what names the execution is replaced and the rest kept, so that the copies stand in the same order as the
 * originals: runs and tasks ascend, workflow ids and heads are spread.
 */
import { uuidKey } from '../src/base/uuid.js'
import { keyTaskId } from '../src/queue/task-keys.js'
import { u32, u48 } from '../src/base/bytes.js'
import { FIRST_KEYED_KIND, type Key, type MediumFactory, type ShardCommit } from '../src/storage/medium.js'

/** Commits in order; each waits for the one before. */
export type ExecutionShape = readonly CommitShape[]

export interface CommitShape {
  readonly rows: readonly RowShape[]
  readonly headBase64: string
}

/** Key: `before`, what names it, `after`. */
export interface RowShape {
  readonly named: 'run' | 'workflow' | 'task'
  /** Which of the execution's tasks. */
  readonly task: number
  readonly before: string
  readonly after: string
  /** Absent: the row is deleted. */
  readonly valueBase64?: string
}

/** The medium, with each commit told to `onCommit` before it is made. */
export function recorded(factory: MediumFactory, onCommit: (commit: ShardCommit) => void): MediumFactory {
  return {
    create(environment) {
      const medium = factory.create(environment)
      const commit = medium.commit.bind(medium)
      medium.commit = (batch) => {
        batch.forEach(onCommit)
        return commit(batch)
      }
      return medium
    },
  }
}

/** `commits` are those of this execution alone. */
export function shapeOf(commits: readonly ShardCommit[], workflowId: string, runId: string): ExecutionShape {
  const runKey = uuidKey(runId)
  const tasks: number[] = []
  const rowOf = (key: Key, value: Uint8Array | undefined): RowShape => ({
    ...namedPart(key, workflowId, runKey, tasks),
    ...(value === undefined ? {} : { valueBase64: Buffer.from(value).toString('base64') }),
  })
  return commits.map(({ changes, head }) => ({
    rows: [...changes].map(([key, { value }]) => rowOf(key, value)),
    headBase64: Buffer.from(head).toString('base64'),
  }))
}

function namedPart(key: Key, workflowId: string, runKey: string, tasks: number[]): RowShape {
  const cut = (named: RowShape['named'], name: string, task = 0): RowShape => {
    const at = key.lastIndexOf(name)
    if (at === -1) throw new Error(`key ${JSON.stringify(key)} does not name its ${named}`)
    return { named, task, before: key.slice(0, at), after: key.slice(at + name.length) }
  }
  if (key.charCodeAt(0) < FIRST_KEYED_KIND) {
    const taskId = keyTaskId(key)
    if (!tasks.includes(taskId)) tasks.push(taskId)
    return cut('task', u48(taskId), tasks.indexOf(taskId))
  }
  return key.includes(runKey) ? cut('run', runKey) : cut('workflow', workflowId)
}

let nextTaskId = 1
let nextRun = 1

/** The names of one execution that never was. */
export class CopiedNames {
  readonly hash: number
  readonly #runKey: string
  readonly #workflowId: string
  readonly #taskIds: number[] = []
  readonly #hashKey: string

  constructor() {
    const count = nextRun++
    this.hash = Math.imul(count, 2654435761) >>> 0
    this.#hashKey = u32(this.hash)
    this.#runKey = u48(Date.now()) + u32(count) + this.#hashKey + '\x80\0'
    this.#workflowId = `${this.hash.toString(36)}-${count}`
  }

  /** As it is stored: with the hash behind it. */
  keyOf({ named, task, before, after }: RowShape): string {
    if (named === 'task') return before + u48((this.#taskIds[task] ??= nextTaskId++)) + after + this.#hashKey
    return before + (named === 'run' ? this.#runKey : this.#workflowId) + after + this.#hashKey
  }
}
