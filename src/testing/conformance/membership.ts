/** Who is there, and how they are woken. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { systemClock } from '../../base/clock.js'
import { bytes, eventually, HISTORY, pause, SHAPE, SHORT_LEASE_MS, text, type Behaviour } from './rig.js'

export const MEMBERSHIP: readonly Behaviour[] = [
  {
    title: 'a host that beats is a member, with what it said last',
    async run(rig) {
      const host = await rig.open('a')
      await host.medium.heartbeat(bytes('first'))

      const { members } = await host.medium.heartbeat(bytes('second'))

      deepEqual(
        members.map(({ host, incarnation, info }) => [host, incarnation, text(info)]),
        [[host.self.host, host.self.incarnation, 'second']],
      )
    },
  },
  {
    title: 'a claim and a heartbeat are valid until some time from now, or for ever where nobody else can come',
    async run(rig) {
      const host = await rig.open('a')
      const nowMs = systemClock.monotonicMs()

      const { claimed } = await host.tryClaim(HISTORY)
      const beat = await host.medium.heartbeat(bytes(''))

      for (const validUntil of [...claimed.map((claim) => claim.validUntil), beat.validUntil]) {
        if (rig.announced.shared) ok(validUntil > nowMs && validUntil <= systemClock.monotonicMs() + SHAPE.leaseMs)
        else equal(validUntil, Infinity)
      }
    },
  },
  {
    title: 'members are seen by each other until their lease is over',
    appliesTo: ({ shared }) => shared,
    async run(rig) {
      const [a, b] = [await rig.open('a', { ...SHAPE, leaseMs: SHORT_LEASE_MS }), await rig.open('b')]
      await a.medium.heartbeat(bytes('of a'))
      const namesNow = async (): Promise<string[]> =>
        (await b.medium.heartbeat(bytes('of b'))).members.map(({ host }) => host).sort()

      deepEqual(await namesNow(), ['a', 'b'])

      await eventually(async () => (await namesNow()).join() === 'b')
    },
  },
  {
    title: 'a hint reaches the hosts named, and no other',
    appliesTo: ({ wake }) => wake === 'push',
    async run(rig) {
      const [a, b, c] = [await rig.open('a'), await rig.open('b'), await rig.open('c')]
      const heard: string[] = []
      b.medium.onWake((hint) => void heard.push(`b: ${text(hint)}`))
      c.medium.onWake((hint) => void heard.push(`c: ${text(hint)}`))

      await eventually(() => {
        a.medium.wake(['b', 'nobody'], bytes('up'))
        return heard.length > 0
      })

      deepEqual([...new Set(heard)], ['b: up'])
    },
  },
  {
    title: 'a listener that was stopped hears nothing more',
    appliesTo: ({ wake }) => wake === 'push',
    async run(rig) {
      const [a, b] = [await rig.open('a'), await rig.open('b')]
      const heard: string[] = []
      const stop = b.medium.onWake(() => void heard.push('stopped'))
      b.medium.onWake(() => void heard.push('other'))
      stop()

      await eventually(() => {
        a.medium.wake(['b'], bytes(''))
        return heard.length > 0
      })

      ok(!heard.includes('stopped'))
    },
  },
  {
    title: 'waking and listening harm nobody, even where no hint ever comes',
    async run(rig) {
      const host = await rig.open('a')
      const stop = host.medium.onWake(() => {})

      host.medium.wake(['nobody'], bytes('hint'))
      await pause(1)
      stop()
      stop()

      await host.claim()
    },
  },
]
