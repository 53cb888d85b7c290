/**
 * The published package: each entry point as ESM and as CommonJS, each with its own declarations.
 *
 * Shared code is split off in both formats, so that both entry points of one copy see the same classes.
 */
import type { Options } from 'tsup'

const config: Options = {
  entry: {
    index: 'src/index.ts',
    cli: 'src/cli.ts',
    'testing/index': 'src/testing/index.ts',
    'opentelemetry/index': 'src/opentelemetry/index.ts',
  },
  format: ['esm', 'cjs'],
  target: 'node20',
  platform: 'node',
  dts: true,
  splitting: true,
  // Has rollup, not sucrase, turn the split chunks into CommonJS: sucrase would rewrite class fields and `?.` too.
  treeshake: { preset: 'safest' },
  sourcemap: true,
  clean: true,
  silent: true,
}

export default config
