/**
 * `npm test` runs everything once; `npm run coverage` also holds the floors to the numbers below.
 *
 * test/types/*.test-d.ts are not run: tsc checks them as part of `npm run check`, by their @ts-expect-error.
 */
import type { ViteUserConfig } from 'vitest/config'

const all = { statements: 100, branches: 100, functions: 100, lines: 100 }

const config: ViteUserConfig = {
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/property-seed.ts'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text', 'html'],
      thresholds: {
        statements: 90,
        branches: 90,
        functions: 90,
        lines: 90,
        'src/machine/**': all,
        'src/shard/ring.ts': all,
      },
    },
  },
}

export default config
