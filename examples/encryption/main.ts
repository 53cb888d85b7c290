/**
 * Encrypted payloads, a key that is replaced, and a key that is missing.
 *
 * `npx tsx examples/encryption/main.ts [FOLDER]`. Without a folder, each run has one of its own.
 */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { activity, isLoomError, level, openLoom, workflow, type Loom } from '../../src/index.js' // 'shardloom'
import { AesCodec } from './aes-codec.js'
import { KeyRing } from './key-ring.js'

const Patient = z.object({ name: z.string(), symptom: z.string() })

const examine = activity({ name: 'examine', input: Patient, output: z.string() }, ({ symptom }) => `${symptom}: gout`)

const admission = workflow(
  { name: 'admission', input: Patient, output: z.string(), signals: { consent: z.object({ by: z.string() }) } },
  async (ctx, patient) => {
    const diagnosis = await ctx.run(examine, patient)
    const { by } = await ctx.signal('consent')
    return `${patient.name}: ${diagnosis}, agreed by ${by}`
  },
)

// Keys come from where secrets are kept. Here they are made up, and gone with the process.
const SPRING = Buffer.alloc(32, 'spring')
const AUTUMN = Buffer.alloc(32, 'autumn')
const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'shardloom-encryption-'))

function open(ring: KeyRing): Promise<Loom> {
  return openLoom({
    medium: level(folder),
    shardCount: 16,
    definitions: [admission, examine],
    // Failures too: their messages may say what nobody else should read.
    dataConverter: { payloadCodecs: [new AesCodec(ring)], encodeCommonAttributes: true },
  })
}

/** Ids of the keys that a history was written with. */
async function keysOf(loom: Loom, workflowId: string): Promise<string> {
  const saved = JSON.stringify(await loom.handle(workflowId).history().toJson())
  const ids = [...saved.matchAll(/"encryption-key-id":"(\w+)"/g)].map(([, id]) => id)
  return [...new Set(ids)].join(', ')
}

// ---- one key, then another

const ring = new KeyRing().add('spring', SPRING).use('spring')
let loom = await open(ring)
const ada = await loom.start(admission, { workflowId: 'ada', input: { name: 'Ada', symptom: 'a sore toe' } })
const bob = await loom.start(admission, { workflowId: 'bob', input: { name: 'Bob', symptom: 'a stiff knee' } })

ring.add('autumn', AUTUMN).use('autumn')
await ada.signal('consent', { by: 'her aunt' })
console.log(await ada.result())
console.log(`keys in the history of ada: ${await keysOf(loom, 'ada')}`)
await loom.close()

// ---- the old key is missing

const young = new KeyRing().add('autumn', AUTUMN).use('autumn')
loom = await open(young)
const waiting = loom.handle(admission, 'bob')
await waiting.signal('consent', { by: 'his sister' })
console.log(`bob is stalled: ${(await waiting.describe()).stalled?.message}`)

young.add('spring', SPRING)
await waiting.retryStalled()
console.log(await waiting.result())
console.log(`keys in the history of bob: ${await keysOf(loom, 'bob')}`)
await loom.close()

// ---- without any key

loom = await openLoom({ medium: level(folder), shardCount: 16 })
try {
  console.log(await loom.handle('bob', bob.runId).result())
} catch (error) {
  if (!isLoomError(error, 'LOOM_CODEC_FAILED')) throw error
  console.log(`${error.code}: ${error.message}`)
}
await loom.close()

// ---- what the disk holds

const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)))
const words = ['sore toe', 'stiff knee', 'gout', 'aunt', 'sister'].filter((word) =>
  files.some((bytes) => bytes.includes(word)),
)
console.log(`words in clear on disk: ${words.length === 0 ? 'none' : words.join(', ')}`)
