/** Where the flights are: names that the worker and those who check its work share. */
import { join } from 'node:path'

export const SHARD_COUNT = 64

export function storeFolder(folder: string): string {
  return join(folder, 'store')
}

export function ledgerPath(folder: string): string {
  return join(folder, 'ledger.txt')
}

export function workflowIdOf(index: number): string {
  return `flight-${index}`
}
