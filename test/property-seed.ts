/** Properties draw from one seed, so that a run says the same twice; `SEED=N npm test` draws from another. */
import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env['SEED'] ?? 20261122) })
