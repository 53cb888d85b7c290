import { expect, test, vi } from 'vitest'
import { cancellation, Scope } from '../../src/workflow/scope.js'

test('a scope that is over leaves the one around it with the last of what it left pending', () => {
  const parent = new Scope(undefined)
  const leaving = vi.spyOn(parent, 'remove')
  const scope = new Scope(parent)
  const cancel = vi.fn()
  const pending = [{ cancel }, { cancel }]
  for (const one of pending) scope.add(one)

  scope.remove(pending[0]!)
  scope.end()
  expect(leaving).not.toHaveBeenCalled()
  scope.remove(pending[1]!)

  expect(leaving).toHaveBeenCalledWith(scope)
  parent.cancel(cancellation('over'))
  expect(cancel).not.toHaveBeenCalled()
})

test('what a scope left pending is cancelled through the one around it', () => {
  const parent = new Scope(undefined)
  const scope = new Scope(parent)
  const cancel = vi.fn()
  scope.add({ cancel })
  scope.end()

  const reason = cancellation('over')
  parent.cancel(reason)

  expect(cancel).toHaveBeenCalledExactlyOnceWith(reason)
  expect(scope.reason).toBe(reason)
})
