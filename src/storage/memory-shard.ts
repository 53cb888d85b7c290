/**
 * One shard of a memory store: its fence, head, rows and inbox.
 *
 * It also holds callers to their side of the contract, so that unit tests meet what only another medium would mind.
 */
import { textKey, u48 } from '../base/bytes.js'
import { assert } from '../base/assert.js'
import {
  MAX_HEAD_BYTES,
  MAX_KEY_BYTES,
  type Fence,
  type Head,
  type Key,
  type KeyBounds,
  type KeyRange,
  type Owner,
  type Post,
  type Row,
  type RowRef,
  type ShardCommit,
} from './medium.js'
import { SortedMap } from './sorted-map.js'

const KEY_BYTES = /^[\0-\xff]+$/

interface Inbox {
  /** Unread messages, oldest first. */
  readonly messages: Map<Key, Post>
  readonly ids: Set<string>
}

export class MemoryShard {
  /** Who claimed it last and has not released it. */
  owner: Owner | undefined = undefined
  head: Head | undefined = undefined
  #epoch = 0
  /** Whether `head` was committed under the present claim. */
  #isCommitted = false
  /** Made when first written: most shards of a ring never are. */
  #rows: SortedMap<Row> | undefined = undefined
  #inbox: Inbox | undefined = undefined

  claim(owner: Owner, epoch: number): void {
    this.owner = owner
    this.#epoch = epoch
    this.#isCommitted = false
  }

  release(fence: Fence): void {
    if (this.#holds(fence)) this.owner = undefined
  }

  judge(fence: Fence, seq: number): 'next' | 'again' | 'fenced' {
    const last = this.head?.seq ?? 0
    if (!this.#holds(fence)) return 'fenced'
    if (seq === last + 1) return 'next'
    return seq === last && this.#isCommitted ? 'again' : 'fenced'
  }

  /** Throws where a caller does not keep to the contract. Before anything is applied. */
  check({ head, changes }: ShardCommit): void {
    assert(head.length <= MAX_HEAD_BYTES, `a head of ${head.length} bytes`)
    for (const [key, { hash }] of changes) checkRow(key, hash, this.#rows?.get(key)?.hash)
  }

  apply(commit: ShardCommit): void {
    const rows = (this.#rows ??= new SortedMap())
    for (const { hash, ...bounds } of commit.clears) {
      for (const { key } of [...this.#range(bounds)].filter((row) => row.hash === hash)) rows.delete(key)
    }
    for (const [key, { hash, value }] of commit.changes) {
      if (value === undefined) rows.delete(key)
      else rows.set(key, { key, hash, value })
    }
    for (const key of commit.consumed) {
      const message = this.#inbox?.messages.get(key)
      if (message !== undefined && this.#inbox?.messages.delete(key)) this.#inbox.ids.delete(message.id)
    }
    this.head = { seq: commit.seq, bytes: commit.head }
    this.#isCommitted = true
  }

  get({ key, hash }: RowRef): Uint8Array | undefined {
    const row = this.#rows?.get(key)
    return row?.hash === hash ? row.value : undefined
  }

  scan(hash: number, { gte, lt, limit, reverse }: KeyRange): Row[] {
    const found: Row[] = []
    for (const row of this.#range({ gte, lt }, reverse)) {
      if (found.length >= limit) break
      if (row.hash === hash) found.push(row)
    }
    return found
  }

  rows(bounds: KeyBounds): Row[] {
    return [...this.#range(bounds)]
  }

  /** For who does not mind in which order they are. */
  rowsInAnyOrder({ gte, lt }: KeyBounds): Row[] {
    return this.#rows === undefined ? [] : [...this.#rows.ascending(gte, lt)]
  }

  post(order: number, message: Post): void {
    const { messages, ids } = (this.#inbox ??= { messages: new Map(), ids: new Set() })
    if (ids.has(message.id)) return
    ids.add(message.id)
    messages.set(u48(order) + textKey(message.id), message)
  }

  inbox(limit: number): (readonly [Key, Post])[] {
    return [...(this.#inbox?.messages ?? [])].slice(0, Math.max(0, limit))
  }

  #holds({ epoch, incarnation }: Fence): boolean {
    return this.owner !== undefined && this.owner.incarnation === incarnation && this.#epoch === epoch
  }

  *#range({ gte, lt }: KeyBounds, reverse = false): IterableIterator<Row> {
    if (this.#rows === undefined) return
    let before: Key | undefined
    for (const row of reverse ? this.#rows.descending(gte, lt) : this.#rows.ascending(gte, lt)) {
      const { key } = row
      const isApart =
        !lt.startsWith(key) && (before === undefined || !(reverse ? before.startsWith(key) : key.startsWith(before)))
      // level keeps the hash behind the key: where a key is the beginning of another, their order there is chance.
      assert(isApart, `a key is the beginning of another, or of the end of the range: ${JSON.stringify(key)}`)
      before = key
      yield row
    }
  }
}

function checkRow(key: Key, hash: number, hashBefore: number | undefined): void {
  assert(key.length <= MAX_KEY_BYTES && KEY_BYTES.test(key), `not a key: ${JSON.stringify(key)}`)
  assert(hash >>> 0 === hash, `not a hash: ${hash}`)
  assert(hashBefore === undefined || hashBefore === hash, `a key has one hash for ever: ${JSON.stringify(key)}`)
}
