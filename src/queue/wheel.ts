/**
 * One wheel for everything that a host waits for: user timers, back-offs, time-outs of attempts.
 *
 * Entries of one millisecond share a bucket, a linked list, so that adding and removing cost the same whatever is
 * pending; a heap orders the buckets. One timer of the clock is armed, for the earliest bucket.
 *
 * Invariant: nothing fires before its time, and what is due at one moment fires in the order of its due time, then of its
 * sequence number.
 */
import type { Clock, TimerHandle } from '../base/clock.js'

/** Something that waits. Make it once, add it to one wheel at a time. */
export abstract class WheelEntry {
  readonly dueAtMs: number
  /** Breaks ties of the due time: a task id, or 0. */
  readonly order: number
  bucket: Bucket | undefined = undefined
  before: WheelEntry | undefined = undefined
  after: WheelEntry | undefined = undefined

  constructor(dueAtMs: number, order: number) {
    this.dueAtMs = dueAtMs
    this.order = order
  }

  /** Its time has come; it is in no wheel now. Must not throw. */
  abstract fire(): void
}

interface Bucket {
  readonly atMs: number
  first: WheelEntry | undefined
}

const MIN_TIMES_TO_SWEEP = 1024

export class Wheel {
  readonly #clock: Clock
  readonly #onFired: () => void
  readonly #buckets = new Map<number, Bucket>()
  /** A binary heap of the buckets' times. Those of emptied buckets stay until they come, or are too many. */
  #times: number[] = []
  #armed: TimerHandle | undefined = undefined
  #armedForMs = Number.POSITIVE_INFINITY
  #isClosed = false
  #size = 0

  /** `onFired` is called when all that was due has fired. */
  constructor(clock: Clock, onFired: () => void) {
    this.#clock = clock
    this.#onFired = onFired
  }

  get size(): number {
    return this.#size
  }

  add(entry: WheelEntry): void {
    if (this.#isClosed) return
    const { dueAtMs } = entry
    let bucket = this.#buckets.get(dueAtMs)
    if (bucket === undefined) {
      bucket = { atMs: dueAtMs, first: undefined }
      this.#buckets.set(dueAtMs, bucket)
      this.#push(dueAtMs)
    }
    entry.bucket = bucket
    entry.after = bucket.first
    if (bucket.first !== undefined) bucket.first.before = entry
    bucket.first = entry
    this.#size++
    if (dueAtMs < this.#armedForMs) this.#arm(dueAtMs)
  }

  /** Nothing when it has fired, or was never added. */
  remove(entry: WheelEntry): void {
    const { bucket, before, after } = entry
    if (bucket === undefined) return
    if (before === undefined) bucket.first = after
    else before.after = after
    if (after !== undefined) after.before = before
    entry.bucket = entry.before = entry.after = undefined
    this.#size--
    if (bucket.first === undefined) this.#dropBucket(bucket)
  }

  #dropBucket(bucket: Bucket): void {
    // One that is firing is no longer here, and another may have its time.
    if (this.#buckets.get(bucket.atMs) === bucket) this.#buckets.delete(bucket.atMs)
    if (this.#times.length < MIN_TIMES_TO_SWEEP || this.#times.length < 2 * this.#buckets.size) return
    // What is sorted is a heap.
    this.#times = [...this.#buckets.keys()].sort((a, b) => a - b)
  }

  close(): void {
    this.#isClosed = true
    if (this.#armed !== undefined) this.#clock.clearTimer(this.#armed)
    this.#buckets.clear()
    this.#times.length = 0
    this.#size = 0
  }

  #arm(atMs: number): void {
    if (this.#armed !== undefined) this.#clock.clearTimer(this.#armed)
    this.#armedForMs = atMs
    this.#armed = this.#clock.setTimer(atMs - this.#clock.nowMs(), this.#ring)
  }

  readonly #ring = (): void => {
    this.#armed = undefined
    this.#armedForMs = Number.POSITIVE_INFINITY
    const nowMs = this.#clock.nowMs()
    while (!this.#isClosed && this.#times.length > 0 && this.#times[0]! <= nowMs) this.#fireAll(this.#pop())
    this.#onFired()
    if (!this.#isClosed && this.#times.length > 0) this.#arm(this.#times[0]!)
  }

  #fireAll(atMs: number): void {
    const bucket = this.#buckets.get(atMs)
    if (bucket === undefined) return
    this.#buckets.delete(atMs)
    const due: WheelEntry[] = []
    for (let entry = bucket.first; entry !== undefined; entry = entry.after) due.push(entry)
    due.sort((a, b) => a.order - b.order)
    for (const entry of due) {
      // Removed by one that fired before it.
      if (entry.bucket !== bucket) continue
      this.remove(entry)
      entry.fire()
    }
  }

  #push(time: number): void {
    const heap = this.#times
    let at = heap.push(time) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]! <= time) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = time
  }

  #pop(): number {
    const heap = this.#times
    const top = heap[0]!
    const last = heap.pop()!
    if (heap.length > 0) {
      let at = 0
      for (;;) {
        let child = 2 * at + 1
        if (child >= heap.length) break
        if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++
        if (heap[child]! >= last) break
        heap[at] = heap[child]!
        at = child
      }
      heap[at] = last
    }
    return top
  }
}
