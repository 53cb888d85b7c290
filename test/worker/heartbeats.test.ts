import { expect, test } from 'vitest'
import { LoomError } from '../../src/base/errors.js'
import type { Payloads } from '../../src/protocol/payload.js'
import type { HeartbeatResponse } from '../../src/protocol/activity-requests.js'
import type { LocalActivityTask } from '../../src/protocol/local-workers.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { Heartbeats } from '../../src/worker/heartbeats.js'
import { decodePayloads, encodePayloads } from '../../src/workflow/converter.js'

/** What was sent, and when; `answer` is what each is answered with. */
interface Rig {
  readonly heartbeats: Heartbeats
  readonly clock: VirtualClock
  readonly sent: unknown[]
  readonly stops: string[]
  answer: () => Promise<HeartbeatResponse>
}

function rig(heartbeatTimeoutMs: number): Rig {
  const clock = new VirtualClock(0)
  const sent: unknown[] = []
  const stops: string[] = []
  const made: Rig = {
    ...{ clock, sent, stops, answer: async () => ({ cancelRequested: false }) },
    heartbeats: new Heartbeats(
      clock,
      { heartbeatTimeoutMs } as LocalActivityTask,
      ({ details }) => {
        sent.push([clock.nowMs(), ...decodePayloads(details)])
        return made.answer()
      },
      (reason) => stops.push(reason),
    ),
  }
  return made
}

const saying = (value: number): Payloads => encodePayloads([value])

test('the first is sent at once, and then the last of those said in 0.8 of the time-out', async () => {
  const { heartbeats, clock, sent } = rig(1000)

  heartbeats.beat(saying(1))
  heartbeats.beat(saying(2))
  heartbeats.beat(saying(3))
  await clock.advance(2000)
  heartbeats.beat(saying(4))

  expect(sent).toEqual([
    [0, 1],
    [800, 3],
    [2000, 4],
  ])
})

test('a long time-out, or none, does not hold the details back for ever', async () => {
  for (const [timeoutMs, untilMs] of [
    [3_600_000, 60_000],
    [0, 30_000],
  ] as const) {
    const { heartbeats, clock, sent } = rig(timeoutMs)
    heartbeats.beat(undefined)
    heartbeats.beat(saying(2))
    await clock.advance(untilMs)
    expect(sent).toEqual([[0], [untilMs, 2]])
  }
})

test('what was not sent when the attempt ends is given back, and no timer is left', async () => {
  const { heartbeats, clock, sent } = rig(1000)
  expect(heartbeats.end()).toBeUndefined()

  const other = rig(1000)
  other.heartbeats.beat(saying(1))
  other.heartbeats.beat(saying(2))
  expect(decodePayloads(other.heartbeats.end())).toEqual([2])
  other.heartbeats.beat(saying(3))
  heartbeats.beat(saying(3))

  expect([clock.nextDueMs(), other.clock.nextDueMs()]).toEqual([undefined, undefined])
  expect([sent, other.sent]).toEqual([[], [[0, 1]]])
})

test('what is on its way when the attempt ends is given back: the failure may be there first', async () => {
  const onItsWay = rig(1000)
  onItsWay.answer = () => new Promise(() => {})
  onItsWay.heartbeats.beat(saying(1))
  expect(decodePayloads(onItsWay.heartbeats.end())).toEqual([1])

  const recorded = rig(1000)
  recorded.heartbeats.beat(saying(1))
  await recorded.clock.settle()
  expect(recorded.heartbeats.end()).toBeUndefined()
})

test('what could not be recorded is said again', async () => {
  const made = rig(1000)
  made.answer = () => Promise.reject(new LoomError('LOOM_UNAVAILABLE', 'not now'))
  made.heartbeats.beat(saying(1))
  await made.clock.advance(100)
  made.answer = async () => ({ cancelRequested: false })
  await made.clock.advance(700)

  expect(made.sent).toEqual([
    [0, 1],
    [800, 1],
  ])
  expect(made.stops).toEqual([])
})

test('the attempt is told to stop when it was called off, or when nobody waits for it', async () => {
  const made = rig(1000)
  made.answer = async () => ({ cancelRequested: true })
  made.heartbeats.beat(undefined)
  await made.clock.advance(800)
  made.answer = () => Promise.reject(new LoomError('LOOM_NOT_FOUND', 'gone'))
  made.heartbeats.beat(undefined)
  await made.clock.advance(1)

  expect(made.stops).toEqual(['canceled', 'ended'])
})
