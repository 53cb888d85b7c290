import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { isLoomError } from '../../src/base/errors.js'

test('an operating error is known by its code, also when it is of another realm', () => {
  const foreign: unknown = runInNewContext(`Object.assign(new Error('x'), { code: 'LOOM_CLOSED' })`)

  expect(isLoomError(foreign)).toBe(true)
  expect(isLoomError(foreign, 'LOOM_CLOSED')).toBe(true)
  expect(isLoomError(foreign, 'LOOM_CORRUPT')).toBe(false)
  expect(isLoomError(Object.assign(new Error('x'), { code: 'toString' }))).toBe(false)
  expect(isLoomError({ code: 'LOOM_CLOSED' })).toBe(false)
})
