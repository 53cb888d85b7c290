/** One process has a directory open once, and keeps its lock whatever else that process tries. */
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { silentLogger } from '../../src/base/log.js'
import { holdDirectory } from '../../src/storage/level-registry.js'
import { level } from '../../src/storage/level.js'
import type { Medium } from '../../src/storage/medium.js'
import { openElsewhere, openLevelStore, type LevelStoreAt } from './level-store-at.js'

const SHAPE = { spaces: { history: 8 }, leaseMs: 1000 }
const BUSY = { code: 'LOOM_MEDIUM_BUSY' }

describe('a store that is open', () => {
  let store: LevelStoreAt
  let medium: Medium
  beforeEach(async () => {
    store = await openLevelStore()
    medium = store.create()
    await medium.open(owner('first'), SHAPE)
  })
  afterEach(async () => {
    await medium.close()
    await store.dispose()
  })

  test('is refused to another process', async () => {
    expect(await openElsewhere(store.directory)).toBe('LOOM_MEDIUM_BUSY')
  })

  test('is refused in the same process, and stays locked against others', async () => {
    await expect(store.create().open(owner('second'), SHAPE)).rejects.toMatchObject(BUSY)

    expect(await openElsewhere(store.directory)).toBe('LOOM_MEDIUM_BUSY')
  })

  test('is refused by another name too, and stays locked against others', async () => {
    const link = `${store.directory}-link`
    await symlink(store.directory, link)
    const environment = { clock: systemClock, logger: silentLogger }

    await expect(level(link).create(environment).open(owner('second'), SHAPE)).rejects.toMatchObject(BUSY)
    const dotted = join(store.directory, 'x', '..')
    await expect(level(dotted).create(environment).open(owner('second'), SHAPE)).rejects.toMatchObject(BUSY)

    expect(await openElsewhere(store.directory)).toBe('LOOM_MEDIUM_BUSY')
  })

  test.skipIf(process.platform !== 'linux')(
    'is seen in the open files of the process, where the registry is another',
    async () => {
      const registry = Symbol.for('shardloom.level.registry')
      const holder = globalThis as { [registry]?: Set<string> }
      const mine = holder[registry]
      // As in a worker thread, which has its own global object.
      delete holder[registry]
      try {
        await expect(store.create().open(owner('second'), SHAPE)).rejects.toMatchObject(BUSY)
      } finally {
        holder[registry] = mine!
      }

      expect(await openElsewhere(store.directory)).toBe('LOOM_MEDIUM_BUSY')
    },
  )

  test.skipIf(process.platform !== 'linux')('is among the open files that a worker thread sees', async () => {
    const code = `
      const { readdirSync, readlinkSync } = require('node:fs')
      const links = readdirSync('/proc/self/fd').map((fd) => { try { return readlinkSync('/proc/self/fd/' + fd) } catch { return '' } })
      require('node:worker_threads').parentPort.postMessage(links)`
    const links = await new Promise<string[]>(
      (resolve) => void new Worker(code, { eval: true }).once('message', resolve),
    )

    expect(links).toContain(join(store.directory, 'LOCK'))
  })

  test('can be opened by others once it is closed', async () => {
    await medium.close()

    expect(await openElsewhere(store.directory)).toBe('opened')
    medium = store.create()
    await medium.open(owner('second'), SHAPE)
  })

  test('is given back when an open fails', async () => {
    await medium.close()
    const refused = store.create()
    await expect(refused.open(owner('second'), { ...SHAPE, spaces: { history: 16 } })).rejects.toMatchObject({
      code: 'LOOM_STORE_MISMATCH',
    })

    expect(await openElsewhere(store.directory)).toBe('opened')
    medium = store.create()
    await medium.open(owner('third'), SHAPE)
  })
})

test('of two opens at once one is refused, and the other stays locked', async () => {
  const store = await openLevelStore()
  const media = [store.create(), store.create()]

  const answers = await Promise.allSettled(media.map((medium, i) => medium.open(owner(`${i}`), SHAPE)))

  expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(await openElsewhere(store.directory)).toBe('LOOM_MEDIUM_BUSY')
  await Promise.all(media.map((medium) => medium.close()))
  await store.dispose()
})

test('a directory is held once, also before LevelDB has it open', async () => {
  const release = await holdDirectory('/nowhere')

  await expect(holdDirectory('/nowhere')).rejects.toMatchObject(BUSY)

  release()
  ;(await holdDirectory('/nowhere'))()
})

test('a close that comes while the store opens leaves nothing open', async () => {
  const store = await openLevelStore()
  const medium = store.create()
  const opening = medium.open(owner('first'), SHAPE)

  await medium.close()

  await opening
  expect(await openElsewhere(store.directory)).toBe('opened')
  await store.dispose()
})

function owner(host: string): { host: string; incarnation: string } {
  return { host, incarnation: host }
}
