/** The load of the crash tests as one JavaScript file, so that a process of it is up in a moment. */
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'

const LOAD = fileURLToPath(new URL('../crash/load.ts', import.meta.url))
const NODE_MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url))

/** Returns the path of the program, which is in that folder. */
export async function bundleLoad(folder: string): Promise<string> {
  await symlink(NODE_MODULES, join(folder, 'node_modules'))
  await build({
    ...{ entry: { load: LOAD }, outDir: folder, outExtension: () => ({ js: '.mjs' }), format: 'esm' },
    ...{ target: 'node20', config: false, silent: true, clean: false, dts: false },
  })
  return join(folder, 'load.mjs')
}
