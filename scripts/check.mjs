/**
 * `npm run check`: everything but the tests, cheapest first, one after the other; stops at the first that fails.
 */
import { spawnSync } from 'node:child_process'

const STEPS = ['format:check', 'lint', 'types', 'unused', 'docs:check', 'build', 'publint', 'attw']

for (const step of STEPS) {
  const startedAtMs = performance.now()
  const { status } = spawnSync('npm', ['run', '--silent', step], { stdio: 'inherit' })
  const took = `${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`
  console.log(`check: ${step} ${status === 0 ? 'ok' : 'FAILED'} in ${took}`)
  if (status !== 0) process.exit(1)
}
