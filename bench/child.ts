/** A child process of the bench: does one job, read from standard input, and prints the answer as a line of JSON. */
import { text } from 'node:stream/consumers'
import { runCeiling } from './ceiling.js'
import type { Answers, Jobs, JobType } from './job.js'
import { loadPackage, type Package } from './under-test.js'
import { runLoad } from './workloads/load.js'
import { fill, open } from './workloads/opening.js'
import { recordShape } from './workloads/recording.js'
import { park, wake } from './workloads/recovery.js'

const PERFORM: { readonly [T in JobType]: (shardloom: Package, job: Jobs[T]) => Promise<Answers[T]> } = {
  load: runLoad,
  ceiling: (_, job) => runCeiling(job),
  shape: recordShape,
  park,
  wake,
  fill,
  open,
}

async function perform<T extends JobType>(type: T, shardloom: Package): Promise<Answers[T]> {
  return await PERFORM[type](shardloom, JSON.parse(await text(process.stdin)) as Jobs[T])
}

const [, , packagePath, type] = process.argv
const answer = await perform(type as JobType, await loadPackage(packagePath!))
process.stdout.write(`${JSON.stringify(answer)}\n`)
