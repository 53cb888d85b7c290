/** Messages to shards from those who do not own them. */
import { deepEqual, equal } from 'node:assert/strict'
import type { Post } from '../../storage/medium.js'
import { bytes, HISTORY, HOSTS, text, told, type Behaviour, type Host } from './rig.js'

const [SHARD, OTHER] = HISTORY as readonly [number, number]

export const INBOXES: readonly Behaviour[] = [
  {
    title: 'messages come out as they were posted, oldest first',
    async run(rig) {
      const host = await (await rig.open()).claim()
      await host.medium.post([post('z'), post('a')])
      await host.medium.post([post('m')])

      const messages = await host.medium.inbox(SHARD, 10)

      deepEqual(
        messages.map(([, { shard, id, bytes }]) => [shard, id, text(bytes)]),
        ['z', 'a', 'm'].map((id) => [SHARD, id, `bytes of ${id}`]),
      )
    },
  },
  {
    title: 'posts that are sent side by side keep their order',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const sent = Array.from({ length: 200 }, (_, i) => `${i}`)

      await Promise.all(sent.map((id) => host.medium.post([post(id)])))

      deepEqual(await ids(host, SHARD, 1000), sent)
    },
  },
  {
    title: 'an inbox gives the oldest up to the limit',
    async run(rig) {
      const host = await (await rig.open()).claim()
      await host.medium.post(['1', '2', '3'].map((id) => post(id)))

      deepEqual(await ids(host, SHARD, 2), ['1', '2'])
    },
  },
  {
    title: 'messages are for one shard, of any space, claimed or not',
    async run(rig) {
      const host = await rig.open()
      const shards = [SHARD, OTHER, HOSTS[0]!, HOSTS[3]!]

      await host.medium.post(shards.map((shard) => post(`to ${shard}`, shard)))

      for (const shard of shards) deepEqual(await ids(host, shard), [`to ${shard}`])
      deepEqual(await ids(host, HISTORY[5]), [])
    },
  },
  {
    title: 'a message that a commit has consumed never comes out again',
    async run(rig) {
      const host = await (await rig.open()).claim()
      await host.medium.post(['1', '2', '3'].map((id) => post(id)))
      const [, second] = await host.medium.inbox(SHARD, 10)

      await host.writer(SHARD).commit({ consumed: [second![0]] })

      deepEqual(await ids(host), ['1', '3'])
      await host.leave()
      deepEqual(await ids(await rig.open()), ['1', '3'])
    },
  },
  {
    title: 'a message posted twice is kept once while it is unread',
    async run(rig) {
      const host = await (await rig.open()).claim()
      await host.medium.post([post('1'), post('2'), post('1')])

      await host.medium.post([post('1')])
      await Promise.all([host.medium.post([post('3')]), host.medium.post([post('3')])])

      deepEqual(await ids(host), ['1', '2', '3'])
      await host.medium.post([post('1', OTHER)])
      deepEqual(await ids(host, OTHER), ['1'])
    },
  },
  {
    title: 'an unread message is still kept once after the store was opened again',
    async run(rig) {
      const before = await (await rig.open()).claim()
      await before.medium.post([post('1'), post('2')])
      await before.leave()
      const host = await rig.open()

      await host.medium.post([post('2'), post('3')])

      deepEqual(await ids(host), ['1', '2', '3'])
    },
  },
  {
    title: 'an id may come again once its message was consumed',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      await host.medium.post([post('1')])
      await writer.commit({ consumed: (await host.medium.inbox(SHARD, 1)).map(([key]) => key) })

      await host.medium.post([post('1')])

      deepEqual(await ids(host), ['1'])
    },
  },
  {
    title: 'consuming what is not there is no error',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      await host.medium.post([post('1')])
      const consumed = (await host.medium.inbox(SHARD, 1)).map(([key]) => key)
      await writer.commit({ consumed })

      await writer.commit({ consumed })

      deepEqual(await ids(host), [])
    },
  },
  {
    title: 'a commit that was fenced consumes nothing',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const stale = host.writer(SHARD)
      await host.medium.post([post('1')])
      await host.claim()
      const consumed = (await host.medium.inbox(SHARD, 1)).map(([key]) => key)

      equal(told(await stale.send(stale.next({ consumed }))), 'fenced')

      deepEqual(await ids(host), ['1'])
    },
  },
  {
    title: 'an id is any text of up to 200 bytes, a message any bytes up to a megabyte',
    async run(rig) {
      const host = await rig.open()
      const long = 'ü'.repeat(100)
      const messages: Post[] = [
        { shard: SHARD, id: long, bytes: new Uint8Array(2 ** 20).fill(0xee) },
        { shard: SHARD, id: 'nul \0 and 🧵', bytes: new Uint8Array() },
      ]

      await host.medium.post(messages)

      const read = await host.medium.inbox(SHARD, 10)
      deepEqual(
        read.map(([, { id, bytes }]) => [id, text(bytes)]),
        messages.map(({ id, bytes }) => [id, text(bytes)]),
      )
    },
  },
  {
    title: 'a post of nothing is answered',
    async run(rig) {
      const host = await rig.open()

      await host.medium.post([])

      deepEqual(await ids(host), [])
    },
  },
  {
    title: 'a host posts to a shard that another owns, and the owner reads it',
    appliesTo: ({ shared }) => shared,
    async run(rig) {
      const [owner, sender] = [await (await rig.open('a')).claim(), await rig.open('b')]

      await sender.medium.post([post('from b')])

      deepEqual(await ids(owner), ['from b'])
    },
  },
]

function post(id: string, shard = SHARD): Post {
  return { shard, id, bytes: bytes(`bytes of ${id}`) }
}

async function ids(host: Host, shard = SHARD, limit = 10): Promise<string[]> {
  return (await host.medium.inbox(shard, limit)).map(([, { id }]) => id)
}
