import { AsyncLocalStorage } from 'node:async_hooks'
import { stat } from 'node:fs'
import { afterEach, expect, test, vi } from 'vitest'
import { systemClock, type Clock } from '../../src/base/clock.js'
import { Train } from '../../src/workflow/train.js'
import { openPassenger, type Passenger } from '../../src/workflow/window.js'

afterEach(() => void vi.useRealTimers())

test('each window is a drain of its own, in the order of waking', async () => {
  const train = newTrain()
  const seen: string[] = []
  const walkers = ['a', 'b', 'c'].map((name) => new Walker(train, 3, (step) => void deep(() => seen.push(name + step))))

  for (const walker of walkers) train.wake(walker)
  await ended(train)

  expect(seen).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'c1', 'c2', 'c3'])
})

test('waking a passenger that waits or rides already changes nothing', async () => {
  const train = newTrain()
  const walker: Walker = new Walker(train, 2, () => train.wake(walker))

  train.wake(walker)
  train.wake(walker)
  await ended(train)

  expect(walker.windows).toBe(2)
  expect(walker.rests).toBe(1)
})

test('a passenger that is woken while it comes to rest rides again', async () => {
  const train = newTrain()
  const walker = new Walker(train, 1, () => {})
  walker.onRest = () => {
    if (walker.rests < 40) walker.again(1)
  }

  train.wake(walker)
  await vi.waitUntil(() => walker.rests === 40)

  expect(walker.windows).toBe(40)
})

test('the outbox runs with no window open, and what follows the round runs once after it', async () => {
  const train = newTrain()
  const seen: string[] = []
  const walker = new Walker(train, 9, (step) => {
    train.later(() => seen.push(`later ${step} ${openPassenger() === undefined}`))
    if (step === 1) train.afterRound(() => seen.push('after'))
  })

  train.wake(walker)
  await ended(train)

  expect(seen.slice(0, 4)).toEqual(['later 1 true', 'later 2 true', 'later 3 true', 'after'])
  expect(seen.filter((line) => line === 'after')).toHaveLength(1)
})

test('afterRound starts a train when none is pending', async () => {
  const train = newTrain()

  await new Promise<void>((resolve) => train.afterRound(resolve))
})

test('work asked for behind the last slot is done by the next train', async () => {
  const train = newTrain()
  const seen: string[] = []

  train.later(() => {
    seen.push('first')
    train.later(() => seen.push('second'))
    train.afterRound(() => seen.push('its round'))
  })
  train.afterRound(() => train.later(() => seen.push('third')))
  await vi.waitUntil(() => seen.length === 4)

  expect(seen).toEqual(['first', 'its round', 'second', 'third'])
})

test('what throws in the outbox is an uncaught exception, and costs nobody else his turn', async () => {
  const train = newTrain()
  const seen: string[] = []
  const caught: unknown[] = []
  const listeners = process.rawListeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => caught.push(error))

  train.later(() => {
    throw new Error('mine')
  })
  train.later(() => seen.push('the rest'))
  await vi.waitUntil(() => seen.length === 1)
  process.removeAllListeners('uncaughtException')
  for (const listener of listeners) process.on('uncaughtException', listener as () => void)

  expect(caught).toEqual([new Error('mine')])
})

test('a window that throws is its own passenger’s affair: the train goes on', async () => {
  const train = newTrain()
  const broken = new Walker(train, 3, () => {
    throw new Error('in the window')
  })
  const fine = new Walker(train, 3, () => {})

  train.wake(broken)
  train.wake(fine)
  await ended(train)

  expect(broken).toMatchObject({ windows: 1, rests: 1, errors: [new Error('in the window')] })
  expect(fine).toMatchObject({ windows: 3, rests: 1, errors: [] })
})

test('an exception thrown in a window by a tick does not stop the train', async () => {
  const train = newTrain()
  const caught: unknown[] = []
  const listeners = process.rawListeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => caught.push(error))
  const walker = new Walker(train, 50, () =>
    process.nextTick(() => {
      throw new Error('in a tick')
    }),
  )

  train.wake(walker)
  await vi.waitUntil(() => walker.rests === 1)
  process.removeAllListeners('uncaughtException')
  for (const listener of listeners) process.on('uncaughtException', listener as () => void)

  expect(walker.windows).toBe(50)
  expect(caught).toHaveLength(50)
  expect(openPassenger()).toBeUndefined()
})

test('over budget no window opens any more, and the passenger goes on first in the next train', async () => {
  let elapsedMs = 0
  const clock: Clock = { ...systemClock, monotonicMs: () => elapsedMs }
  const train = new Train({ clock, budgetMs: 5 })
  const trains: number[] = []
  let inTrain = 0
  const slow = new Walker(train, 300, () => {
    elapsedMs++
    if (inTrain++ > 0) return
    train.later(() => {
      trains.push(inTrain)
      inTrain = 0
    })
  })
  const other = new Walker(train, 1, () => {})

  train.wake(slow)
  train.wake(other)
  await vi.waitUntil(() => slow.rests === 1 && other.rests === 1)

  // Looked at every 16 slots: no train of 64 goes on much longer than its budget.
  expect(Math.max(...trains)).toBeLessThanOrEqual(31)
  expect(slow.windows).toBe(300)
})

test('the windows of several trains never overlap', async () => {
  const trains = [newTrain(), newTrain(), new Train({ clock: systemClock, maxSlots: 8 })]
  let overlaps = 0
  const walkers = trains.flatMap((train) =>
    Array.from({ length: 20 }, () => {
      const walker: Walker = new Walker(train, 25, () => {
        void deep(() => {
          if (openPassenger() !== walker) overlaps++
        })
      })
      return walker
    }),
  )

  for (const [at, walker] of walkers.entries()) trains[Math.floor(at / 20)]!.wake(walker)
  await vi.waitUntil(() => walkers.every(({ rests }) => rests === 1))

  expect(overlaps).toBe(0)
})

// Not promised by Node's documentation, and all rests on it: hence this test.
test('no timer and no I/O runs between adjacent slots', async () => {
  const train = newTrain()
  let foreign = 0
  let foreignInWindow = 0
  const strange = (): void => {
    foreign++
    if (openPassenger() !== undefined) foreignInWindow++
  }
  const interval = setInterval(strange, 0)
  let stop = false
  const readAgain = (): void => {
    strange()
    if (!stop) stat('.', readAgain)
  }
  readAgain()

  const walker = new Walker(train, 6000, () => busy(0.05))
  train.wake(walker)
  await vi.waitUntil(() => walker.rests === 1, { timeout: 50_000 })
  stop = true
  clearInterval(interval)

  expect(walker.windows).toBe(6000)
  expect(foreign).toBeGreaterThan(20)
  expect(foreignInWindow).toBe(0)
})

test('a promise that a host rejects between windows is the application’s, not the next passenger’s', async () => {
  const train = newTrain()
  const listeners = process.rawListeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  const seen: unknown[] = []
  process.on('unhandledRejection', (reason) => seen.push(reason))
  const walker = new Walker(train, 1, () => {})
  walker.onRest = () => void Promise.reject(new Error('of the host'))

  train.wake(walker)
  await ended(train)
  process.removeAllListeners('unhandledRejection')
  for (const listener of listeners) process.on('unhandledRejection', listener as () => void)

  expect(seen).toEqual([new Error('of the host')])
})

test('listeners are left in place when they are not to be hidden', async () => {
  const seen: number[] = []
  const train = new Train({ clock: systemClock, hideListeners: false })
  const before = process.listenerCount('unhandledRejection')
  const walker = new Walker(train, 1, () => seen.push(process.listenerCount('unhandledRejection')))

  train.wake(walker)
  await ended(train)

  expect(seen).toEqual([before + 1])
  expect(process.listenerCount('unhandledRejection')).toBe(before)
})

test('the AsyncLocalStorage of whoever wakes does not show in windows', async () => {
  const storage = new AsyncLocalStorage<string>()
  const train = newTrain()
  const seen: unknown[] = []
  const walker = new Walker(train, 1, () => seen.push(storage.getStore()))

  storage.run('request 1', () => train.wake(walker))
  await ended(train)

  expect(seen).toEqual([undefined])
})

test('fake timers of a test do not stop it', async () => {
  vi.useFakeTimers()
  const train = newTrain()
  const walker = new Walker(train, 1, () => {})

  await new Promise<void>((resolve) => {
    walker.onRest = resolve
    train.wake(walker)
  })

  expect(walker.windows).toBe(1)
})

/** Has something to do in `count` windows. */
class Walker implements Passenger {
  isQueued = false
  windows = 0
  rests = 0
  readonly errors: unknown[] = []
  onRest: () => void = () => {}
  readonly #train: Train
  readonly #walk: (step: number) => unknown
  #left: number

  constructor(train: Train, count: number, walk: (step: number) => unknown) {
    this.#train = train
    this.#left = count
    this.#walk = walk
  }

  again(count: number): void {
    this.#left += count
    this.#train.wake(this)
  }
  hasNext(): boolean {
    expect(openPassenger()).toBeUndefined()
    if (this.#left > 0) return true
    this.rests++
    this.onRest()
    return false
  }
  openWindow(): void {
    expect(openPassenger()).toBe(this)
    this.#left--
    this.#walk(++this.windows)
  }
  closeWindow(): void {
    expect(openPassenger()).toBe(this)
  }
  broke(error: unknown): void {
    this.errors.push(error)
    this.#left = 0
  }
  rejected(): void {}
  handled(): void {}
}

function newTrain(): Train {
  return new Train({ clock: systemClock })
}

/** When nothing is left to do. */
async function ended(train: Train): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise<void>((resolve) => train.later(resolve))
}

/** Runs `fn` far down in the microtasks of this drain. */
async function deep(fn: () => void): Promise<void> {
  for (let i = 0; i < 100; i++) await Promise.resolve()
  fn()
}

function busy(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
