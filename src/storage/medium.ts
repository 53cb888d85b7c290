/**
 * The storage contract: every adapter is this small. A Medium keeps rows for shards; it knows keys and bytes,
 * nothing of workflows or streams. `mediumConformance` in shardloom/testing holds an adapter to each sentence
 * below.
 *
 * Invariant: a commit under a fence that is no longer the newest writes nothing.
 *
 * Order of calls: `open` once, first; then anything; `close` last. A Medium that is closed rejects every call
 * with LOOM_CLOSED. Any number of calls may be in flight, except that the caller keeps at most
 * `supports.lanes` commits in flight, never two for the same shard.
 *
 * A rejected promise says nothing about whether a write was applied, save where an Outcome says so.
 */
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { LoomError } from '../base/errors.js'

/**
 * `space` in the upper 8 bits of 32, index in the lower 24; an unsigned number. Spaces of a store: `history`
 * (the ring: its count is fixed when the store is made), `hosts` (one shard a host, where answers are posted
 * to), later ones as their applications come. Claim, fence and commit are the same in each.
 */
export type ShardId = number

export const SPACES = { history: 0, hosts: 1, catalog: 2, visibility: 3, stream: 4 } as const
/** The spaces of a store. */
export type SpaceName = keyof typeof SPACES

export const MAX_SHARDS_PER_SPACE = 2 ** 24

/** The id of the shard with this index in a space. */
export function shardId(space: SpaceName, index: number): ShardId {
  return SPACES[space] * MAX_SHARDS_PER_SPACE + index
}

/** The number of its space, one of `SPACES`. */
export function shardSpace(shard: ShardId): number {
  return Math.floor(shard / MAX_SHARDS_PER_SPACE)
}

/** Its index within its space. */
export function shardIndex(shard: ShardId): number {
  return shard % MAX_SHARDS_PER_SPACE
}

/**
 * Compares bytewise: a latin1 string, one character (0x00 to 0xff) a byte, at least 1 and at most
 * `MAX_KEY_BYTES` of them. Byte 0 is the row's kind: only kinds below `FIRST_KEYED_KIND` (tasks, timers,
 * backlog) are read by shard (`scanAll`); all others by point, or by a range of one hash (`scan`).
 */
export type Key = string

export const MAX_KEY_BYTES = 1200
export const FIRST_KEYED_KIND = 0x40
/** A head is at most this big. */
export const MAX_HEAD_BYTES = 1024

/** A row stands at (shard, key). `hash` is the 32-bit hash its shard follows from; 0 in spaces that are not hashed. */
export interface RowRef {
  readonly key: Key
  readonly hash: number
}
export interface Row extends RowRef {
  readonly value: Uint8Array
}
/** From `gte` up to, not including, `lt`; the first `limit` in key order, or the last ones downwards with `reverse`. */
export interface KeyRange {
  readonly gte: Key
  readonly lt: Key
  readonly limit: number
  readonly reverse?: boolean
}

/** `incarnation` is random for each opening. Both are compared: an epoch alone can come back after an asynchronous failover. */
export interface Fence {
  readonly epoch: number
  readonly incarnation: string
}
/** One opening of a medium by one host. */
export interface Owner {
  readonly host: string
  readonly incarnation: string
}

/** What a shard needs to open, in one small row that each of its commits rewrites. */
export interface Head {
  /** Sequence number of the last durable commit. */
  readonly seq: number
  /** Opaque to the medium. At most `MAX_HEAD_BYTES`. */
  readonly bytes: Uint8Array
}

/** Shards that are ours now, under one fence. */
export interface Claimed {
  readonly shards: readonly ShardId[]
  readonly fence: Fence
  /** Only of shards that were ever written: a shard without one costs nothing, not even an object. */
  readonly heads: ReadonlyMap<ShardId, Head>
  /** Shards whose heads are not what was written: nothing may be committed to them, and the others stand. */
  readonly damaged?: ReadonlyMap<ShardId, LoomError>
  /** Local monotonic ms, counted from before the request left. Infinity where no other owner can exist. */
  readonly validUntil: number
}
/** Shards that a living owner has; ask again after `retryMs`. */
export interface Held {
  readonly shards: readonly ShardId[]
  readonly by: Owner
  readonly retryMs: number
}

/** What becomes of one row: put with a value, or deleted (`value` undefined). */
export interface Change {
  readonly hash: number
  readonly value: Uint8Array | undefined
}

/** One shard's part of a group commit. */
export interface ShardCommit {
  readonly shard: ShardId
  readonly fence: Fence
  /**
   * Last durable seq + 1; the first is 1. The same (shard, fence, seq) may be sent again: it is applied once, and
   * answered ok. Any other seq is answered `fenced`: the medium went back, and memory is ahead of it.
   */
  readonly seq: number
  readonly head: Uint8Array
  /** Applied before `changes`: every row in a range of one hash goes (retention, delete). */
  readonly clears: readonly (KeyBounds & { readonly hash: number })[]
  /** One entry a key: the caller has coalesced them. Not changed by the caller until the commit is settled. */
  readonly changes: ReadonlyMap<Key, Change>
  /** Keys of inbox messages that this commit has dealt with: `inbox` never returns them again. */
  readonly consumed: readonly Key[]
}
/** From `gte` up to, not including, `lt`. */
export interface KeyBounds {
  readonly gte: Key
  readonly lt: Key
}

/** What became of one shard's part of a commit. */
export type Outcome =
  | { readonly ok: true }
  /** Another owner has claimed it, or `seq` is not the next. Only this shard is lost; the others of the call stand. */
  | { readonly ok: false; readonly why: 'fenced' }
  /** Nothing of this shard was written. Callers bound their turns before staging, so this is a mistake of ours. */
  | { readonly ok: false; readonly why: 'too-large' }
  /** It may or may not have applied: send the same commit again, or claim again, which settles it. */
  | { readonly ok: false; readonly why: 'unknown' }

/** A message to a shard from somebody who may not own it. `id` is unique among the sender's, at most 200 bytes. */
export interface Post {
  readonly shard: ShardId
  readonly id: string
  readonly bytes: Uint8Array
}

/** What an adapter can do, as data. */
export interface Supports {
  /** May several processes open it? */
  readonly shared: boolean
  /** May a host read committed rows of a shard that it does not own? */
  readonly remoteReads: boolean
  /** Commits that may be in flight at once. */
  readonly lanes: number
  /** A commit of more bytes (keys and values of one `commit` call) is answered `too-large`, shard by shard. */
  readonly maxCommitBytes: number
  readonly wake: 'push' | 'poll' | 'none'
  /** Least pause between flushes, ms; 0 where the medium sets the pace by itself. */
  readonly minFlushMs: number
}

/** What a store is made with and then keeps. */
export interface StoreShape {
  /** Shard count of each space. A store made with another count of `history` is refused: LOOM_STORE_MISMATCH, naming both. */
  readonly spaces: Readonly<Partial<Record<SpaceName, number>>>
  readonly leaseMs: number
}

/** A host that is alive, with what it announced. */
export interface Member extends Owner {
  readonly info: Uint8Array
}

/**
 * Rows as they were at one instant, whatever is committed meanwhile: for background work that compares rows with each other.
 * The medium keeps what may still be read, so it is for seconds and not for hours. Its methods read as those of a `Medium` do.
 */
export interface MediumSnapshot {
  /** What a claim of these shards would have given. */
  heads(shards: readonly ShardId[]): Promise<Pick<Claimed, 'heads' | 'damaged'>>
  /** The values at those keys, in their order; undefined where there is none. */
  getMany(shard: ShardId, rows: readonly RowRef[]): Promise<readonly (Uint8Array | undefined)[]>
  /** Rows of one hash, in key order. */
  scan(shard: ShardId, hash: number, range: KeyRange): Promise<readonly Row[]>
  /** Rows of whole shards, shard by shard, in key order, a batch at a time. */
  scanAll(
    shards: readonly ShardId[] | 'claimed',
    range: KeyBounds,
  ): AsyncIterable<readonly (Row & { readonly shard: ShardId })[]>
  /**
   * Kinds at or above `FIRST_KEYED_KIND` of all claimed shards of `history`, in key order as far as no key is the beginning of
   * another, and in the same order in every snapshot. With `after` those behind it, whether or not it is there itself.
   */
  scanKeyed(range: KeyBounds, after?: RowRef): AsyncIterable<readonly (Row & { readonly shard: ShardId })[]>
  /** May be called twice. Before the medium is closed, or by that. */
  close(): Promise<void>
}

/** A file, or whatever a medium keeps rows in, that was looked at. */
export interface CheckedFile {
  readonly name: string
  /** What is wrong with it; undefined: nothing. */
  readonly damage: string | undefined
}

/** One opened store; see the head of this file for the order of calls. */
export interface Medium {
  readonly supports: Supports
  /** For logs and errors: `level(/var/data)`. */
  readonly name: string
  /** Claim, release and lanes go by whole units: one for level's store, one a shard elsewhere. */
  unitOf(shard: ShardId): number
  /**
   * Makes the store or checks what it was made with (store id, format, space counts, hash name), and probes that the
   * medium is honest. Rejects with LOOM_MEDIUM_BUSY (already open elsewhere), LOOM_STORE_MISMATCH, LOOM_CORRUPT,
   * LOOM_UNAVAILABLE. After a rejection nothing is held.
   */
  open(self: Owner, shape: StoreShape): Promise<void>
  /** One write a host, never one a shard; the medium's own clock decides who is alive. `info` is opaque. */
  heartbeat(info: Uint8Array): Promise<{ readonly validUntil: number; readonly members: readonly Member[] }>
  /** By the living owner too: it raises the epoch and settles commits of unknown outcome. */
  claim(shards: readonly ShardId[]): Promise<{ readonly claimed: readonly Claimed[]; readonly held: readonly Held[] }>
  /** A planned stop: afterwards others may claim at once. A stale fence is not an error: nothing was held. */
  release(shards: readonly ShardId[], fence: Fence): Promise<void>
  /** One durable group commit for many shards in one round trip; outcomes in order. A commit without changes is a read fence. */
  commit(batch: readonly ShardCommit[]): Promise<readonly Outcome[]>
  /** Values in order, undefined where no row is. Reads see every commit that was acknowledged. */
  getMany(shard: ShardId, rows: readonly RowRef[]): Promise<readonly (Uint8Array | undefined)[]>
  /** As `getMany` of one, without leaving the current turn; undefined (the method) where the medium cannot. */
  readonly getSync?: (shard: ShardId, row: RowRef) => Uint8Array | undefined
  /** One run or one register: `hash` is that of all rows in the range. */
  scan(shard: ShardId, hash: number, range: KeyRange): Promise<readonly Row[]>
  /** Kinds below `FIRST_KEYED_KIND`, of many shards in one pass: in key order within a shard, in no order among shards. */
  scanAll(
    shards: readonly ShardId[] | 'claimed',
    range: KeyBounds,
  ): AsyncIterable<readonly (Row & { readonly shard: ShardId })[]>
  /**
   * Rows of one kind at or above `FIRST_KEYED_KIND` of all claimed shards of `history`, in no order: for background work
   * (filling the filter of open ids, verifying), never for serving a call.
   */
  scanKind(kind: number): AsyncIterable<readonly (Row & { readonly shard: ShardId })[]>
  /** Has every commit that was acknowledged; of one in flight all or nothing. */
  snapshot(): Promise<MediumSnapshot>
  /**
   * What stands under the rows, looked at one after the other while the store is used: damage that no read would show.
   * undefined (the method) where the medium has nothing of its own to look at.
   */
  readonly checkFiles?: () => AsyncIterable<CheckedFile>
  /** Unfenced, durable, ordered for each sender, kept once for each (shard, id) while unread. */
  post(messages: readonly Post[]): Promise<void>
  /** What was posted and not consumed yet, oldest first, with the key by which a commit consumes it. */
  inbox(shard: ShardId, limit: number): Promise<readonly (readonly [Key, Post])[]>
  /** Best effort, may be lost or doubled; sent after a commit, never inside it. */
  wake(hosts: readonly string[], hint: Uint8Array): void
  /** Returns the way to stop listening. */
  onWake(listener: (hint: Uint8Array) => void): () => void
  /** Waits for what is in flight; may be called twice. */
  close(): Promise<void>
}

/** What `openLoom({ medium })` takes: makes one Medium for one loom. */
export interface MediumFactory {
  /** Makes a Medium that is not open yet; called again after one broke. */
  create(environment: MediumEnvironment): Medium
}

/** What a medium is given to work with. */
export interface MediumEnvironment {
  readonly clock: Clock
  readonly logger: Logger
}
