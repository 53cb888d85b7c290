/**
 * What is measured: the package as `npm run build` makes it, less its declarations, and the children that measure it.
 *
 * They are built anew for each run, into a folder of their own: never stale, and `dist` is left to others. A child that tsx
 * ran instead would start 200 ms later, and its functions would each carry a name that esbuild keeps for it.
 */
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'tsup'
import config from '../tsup.config.js'

/** Within the checkout, so that what they import is found. */
const OUT = resolve(import.meta.dirname, '../node_modules/.cache/shardloom-bench')

export interface Built {
  /** The package's entry. */
  readonly packagePath: string
  /** Takes that path and a job. */
  readonly childPath: string
}

export async function buildAll(): Promise<Built> {
  rmSync(OUT, { recursive: true, force: true })
  const common = { config: false, dts: false, format: 'esm', outExtension: () => ({ js: '.mjs' }) } as const
  await build({ ...config, ...common, entry: { index: 'src/index.ts' }, outDir: join(OUT, 'package') })
  await build({ ...config, ...common, entry: { child: 'bench/child.ts' }, outDir: join(OUT, 'child') })
  return { packagePath: join(OUT, 'package/index.mjs'), childPath: join(OUT, 'child/child.mjs') }
}
