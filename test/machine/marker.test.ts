import { expect, test } from 'vitest'
import { JSON_PLAIN } from '../../src/protocol/payload.js'
import { marker, Subject } from './subject.js'

const payload = { metadata: JSON_PLAIN, data: Buffer.from('["p1"]') }

test('a marker is recorded as it is', () => {
  const subject = new Subject()
  subject.start()
  const failure = { type: 'application', message: 'f' } as const
  const details = { a: [payload], none: [] }

  subject.run({ type: 'RecordMarker', markerName: 'm', details, failure })

  const recorded = { markerName: 'm', details, workflowTaskCompletedEventId: 4, failure }
  expect(subject.last('MarkerRecorded').attributes).toEqual(recorded)
  expect(subject.state.workflowTask).toBeUndefined()
})

test('a marker without a name fails the task', () => {
  const subject = new Subject()
  subject.start()

  expect(subject.answer(subject.poll(), [marker('')])).toBe(
    'BadRecordMarkerAttributes: MarkerName is not set on RecordMarkerCommand.',
  )
})
