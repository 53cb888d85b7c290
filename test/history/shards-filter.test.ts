/** The filter of open ids: no second open run of an id, whatever happened while it was filled. */
import { expect, test } from 'vitest'
import { OpenIds } from '../../src/history/open-ids.js'

test('it is not filled by a fill that began before it was emptied', () => {
  const openIds = new OpenIds(1024)
  const { opening } = openIds

  openIds.add(1, 1)
  openIds.forget()
  openIds.filled(opening)

  expect(openIds.isSurelyNotOpen(1, 1)).toBe(false)
  openIds.filled(openIds.opening)
  expect(openIds.isSurelyNotOpen(1, 1)).toBe(true)
})
