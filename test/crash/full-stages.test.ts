/** What is staged on a shard may be more than one commit: each has a head that counts the rows up to it, and no others. */
import { expect, test } from 'vitest'
import { attemptKey } from '../../src/queue/task-keys.js'
import { readHead, Shard, TASK_KINDS, type Sealed } from '../../src/shard/shard.js'

const FENCE = { epoch: 1, incarnation: 'i' }

test('the head of a commit counts the rows of that commit, not those of the ones behind it', () => {
  const shard = new Shard(0, FENCE, undefined)
  const stage = (taskId: number): void => {
    shard.beginTurn(10)
    shard.putTask(attemptKey(taskId), 0, taskId, Buffer.alloc(20))
  }

  stage(1)
  stage(2)
  stage(3)
  shard.removeTask(attemptKey(1), 0)
  const first = shard.seal()
  shard.inFlight = undefined
  const second = shard.seal()
  shard.inFlight = undefined
  const third = shard.seal()

  expect([first, second, third].map(attempts)).toEqual([1, 2, 2])
  expect([first, second, third].map(({ commit }) => commit.seq)).toEqual([1, 2, 3])
})

function attempts({ commit }: Sealed): number {
  return readHead({ seq: commit.seq, bytes: commit.head }, commit.shard).pending[TASK_KINDS.attempt]!
}
