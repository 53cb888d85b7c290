/**
 * Requests that wait for their turn, first come, first served. Taking one costs the same however many wait: a flooded
 * execution has thousands.
 */
import type { TurnRequest } from './contract.js'

/** So few are moved up: their array is used again. */
const FEW = 16
/** Of more, the places of those that left stay empty until they are so many, and half of all. */
const MIN_LEFT = 1024

export class RequestQueue {
  #requests: TurnRequest[] = []
  /** Those before it were taken. */
  #at = 0

  get length(): number {
    return this.#requests.length - this.#at
  }

  get first(): TurnRequest | undefined {
    return this.#requests[this.#at]
  }

  push(request: TurnRequest): void {
    this.#requests.push(request)
  }

  shift(): TurnRequest | undefined {
    if (this.#at === 0 && this.#requests.length <= FEW) return this.#requests.shift()
    const request = this.#requests[this.#at]
    this.#requests[this.#at++] = undefined as never
    if (this.#at === this.#requests.length) this.#reset([])
    else if (this.#at >= MIN_LEFT && this.#at * 2 >= this.#requests.length) this.#reset(this.#requests.slice(this.#at))
    return request
  }

  /** Takes all of them out; those that come meanwhile are of another time. */
  drain(act: (request: TurnRequest) => void): void {
    const from = this.#at
    const requests = this.#requests
    this.#reset([])
    for (let at = from; at < requests.length; at++) act(requests[at]!)
  }

  #reset(requests: TurnRequest[]): void {
    this.#requests = requests
    this.#at = 0
  }
}
