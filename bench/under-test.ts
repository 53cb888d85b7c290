/** The package that is measured, as the children load it, and a loom of it as the workloads want one. */
import { pathToFileURL } from 'node:url'
import type { MediumName } from './figures.js'
import type * as Shardloom from '../src/index.js'
import type { ShardCommit } from '../src/storage/medium.js'
import { recorded } from './shape.js'
import { newPrograms, type Programs } from './programs.js'

export type Package = typeof Shardloom
export type Loom = Awaited<ReturnType<Package['openLoom']>>

export const SHARDS = 512

export interface LoomOptions {
  readonly medium: MediumName
  readonly folder: string
  readonly shardCount?: number
  readonly onCommit?: (commit: ShardCommit) => void
}

/** `openMs` is what `openLoom` took. */
export interface UnderTest {
  readonly loom: Loom
  readonly programs: Programs
  readonly openMs: number
}

export async function loadPackage(path: string): Promise<Package> {
  return (await import(pathToFileURL(path).href)) as Package
}

export async function openUnderTest(
  { openLoom, level, memory, ...makers }: Package,
  { medium, folder, shardCount = SHARDS, onCommit }: LoomOptions,
): Promise<UnderTest> {
  const programs = newPrograms(makers)
  const factory = medium === 'level' ? level(folder) : memory()
  const began = performance.now()
  const loom = await openLoom({
    medium: onCommit === undefined ? factory : recorded(factory, onCommit),
    shardCount,
    definitions: Object.values(programs),
  })
  return { loom, programs, openMs: performance.now() - began }
}

const salt = Math.floor(Math.random() * 2 ** 32).toString(36)
let idCount = 0

/** One that no execution had before. */
export function newWorkflowId(): string {
  idCount++
  return `${salt}-${(Math.imul(idCount, 2654435761) >>> 0).toString(36)}-${idCount}`
}

/** The most this process ever had resident. */
export function peakRssMb(): number {
  return Math.round(process.resourceUsage().maxRSS / 1000)
}
