/** One writer a shard: claims, fences, leases. */
import { deepEqual, equal, notDeepEqual, ok } from 'node:assert/strict'
import { ALL, eventually, HISTORY, HOSTS, KEYED, pause, SHAPE, SHORT_LEASE_MS, told, type Behaviour } from './rig.js'

const [SHARD, OTHER] = HISTORY as readonly [number, number]
const KEY = `${KEYED}k`
const SHORT = { ...SHAPE, leaseMs: SHORT_LEASE_MS }

export const FENCING: readonly Behaviour[] = [
  {
    title: 'a commit under the fence of an earlier claim is fenced, and writes nothing',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const stale = host.writer(SHARD)
      await stale.commit({ put: { [KEY]: 'before' } })
      await host.claim()

      equal(told(await stale.send(stale.next({ put: { [KEY]: 'after' } }))), 'fenced')

      equal(await host.get(SHARD, KEY, stale.hash), 'before')
      equal(host.head(SHARD)?.seq, 1)
    },
  },
  {
    title: 'the epoch alone is no fence: another incarnation is refused',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      const fence = { ...host.fence(SHARD), incarnation: 'somebody else' }

      equal(told(await writer.send(writer.next({ fence }))), 'fenced')
    },
  },
  {
    title: 'a fence of an earlier opening is refused',
    async run(rig) {
      const before = await (await rig.open()).claim()
      const fence = before.fence(SHARD)
      await before.leave()
      const after = await (await rig.open()).claim()
      const writer = after.writer(SHARD)

      equal(told(await writer.send(writer.next({ fence }))), 'fenced')
      await writer.commit()
    },
  },
  {
    title: 'a shard that was not claimed takes no commit',
    async run(rig) {
      const host = await (await rig.open()).claim([...HISTORY])
      const writer = host.writer(SHARD)

      equal(told(await writer.send({ ...writer.next(), shard: HOSTS[0]! })), 'fenced')
    },
  },
  {
    title: 'a fenced commit harms no other shard of the call, and the outcomes are in order',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const [good, bad] = [host.writer(SHARD), host.writer(OTHER)]
      const fence = { epoch: 0, incarnation: 'nobody' }

      const outcomes = await host.medium.commit([
        bad.next({ fence, put: { [KEY]: 'bad' } }),
        good.next({ put: { [KEY]: 'good' } }),
      ])

      deepEqual(outcomes.map(told), ['fenced', 'ok'])
      equal(await host.get(SHARD, KEY, good.hash), 'good')
      equal(await host.get(OTHER, KEY, bad.hash), undefined)
    },
  },
  {
    title: 'the owner may claim again: it gets another fence, and the head',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const before = host.fence(SHARD)
      await host.writer(SHARD).commit()

      await host.claim()

      notDeepEqual(host.fence(SHARD), before)
      equal(host.head(SHARD)?.seq, 1)
      await host.writer(SHARD).commit()
    },
  },
  {
    title: 'a claim of one unit leaves the fences of others as they are',
    async run(rig) {
      const host = await (await rig.open()).claim()
      if (host.medium.unitOf(SHARD) === host.medium.unitOf(OTHER)) return
      const writer = host.writer(OTHER)

      await host.claim([SHARD])

      await writer.commit()
    },
  },
  {
    title: 'after a release the fence is stale, and others may claim at once',
    async run(rig) {
      const host = await (await rig.open('a')).claim()
      const writer = host.writer(SHARD)
      await host.release()

      equal(told(await writer.send(writer.next())), 'fenced')

      const next = rig.announced.shared ? await rig.open('b') : host
      await next.claim()
    },
  },
  {
    title: 'a release under a stale fence changes nothing',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const stale = host.fence(SHARD)
      await host.claim()

      await host.medium.release(ALL, stale)

      await host.writer(SHARD).commit()
    },
  },
  {
    title: 'a claim, release and commit of nothing are answered',
    async run(rig) {
      const host = await (await rig.open()).claim()

      await host.medium.claim([])
      await host.medium.release([], host.fence(SHARD))

      deepEqual(await host.medium.commit([]), [])
    },
  },
  {
    title: 'a shard of a living owner is held, with the time to ask again after',
    appliesTo: ({ shared }) => shared,
    async run(rig) {
      const [a, b] = [await (await rig.open('a')).claim(), await rig.open('b')]

      const { claimed, held } = await b.tryClaim(ALL)

      equal(claimed.length, 0)
      deepEqual([...held.flatMap(({ shards }) => shards)].sort(ascending), [...ALL])
      for (const { by, retryMs } of held) {
        deepEqual({ host: by.host, incarnation: by.incarnation }, a.self)
        ok(retryMs > 0 && retryMs <= SHAPE.leaseMs, `retryMs: ${retryMs}`)
      }
      await a.writer(SHARD).commit()
    },
  },
  {
    title: 'when the lease of an owner is over another may claim, and the first is fenced',
    appliesTo: ({ shared }) => shared,
    async run(rig) {
      const [a, b] = [await rig.open('a', SHORT), await rig.open('b')]
      await a.claim()
      const writer = a.writer(SHARD)
      await writer.commit({ put: { [KEY]: 'a' } })

      await eventually(async () => (await b.tryClaim(ALL)).held.length === 0)

      equal(told(await writer.send(writer.next({ put: { [KEY]: 'late' } }))), 'fenced')
      equal(b.head(SHARD)?.seq, 1)
      equal(await b.get(SHARD, KEY, writer.hash), 'a')
      await b.writer(SHARD).commit()
    },
  },
  {
    title: 'an owner that goes on beating keeps its shards',
    appliesTo: ({ shared }) => shared,
    async run(rig) {
      const [a, b] = [await rig.open('a', SHORT), await rig.open('b')]
      await a.claim()

      for (let i = 0; i < 6; i++) {
        await pause(SHORT_LEASE_MS / 4)
        await a.medium.heartbeat(new Uint8Array())
      }

      equal((await b.tryClaim(ALL)).claimed.length, 0)
      await a.writer(SHARD).commit()
    },
  },
  {
    title: 'of two hosts that claim at once one gets the shard',
    appliesTo: ({ shared }) => shared,
    async run(rig) {
      const hosts = [await rig.open('a'), await rig.open('b')]

      const answers = await Promise.all(hosts.map((host) => host.tryClaim([SHARD])))

      equal(answers.filter(({ claimed }) => claimed.length > 0).length, 1)
      equal(answers.filter(({ held }) => held.length > 0).length, 1)
    },
  },
]

function ascending(a: number, b: number): number {
  return a - b
}
