import { expect, test } from 'vitest'
import { findOpenActivity } from '../../src/machine/activity.js'
import { cancel, COMPLETE, schedule, Subject } from './subject.js'

function withActivity(): Subject {
  const subject = new Subject()
  subject.start()
  subject.run(schedule('a1'))
  subject.signal('wake')
  return subject
}

test('an id that is pending cannot be used again', () => {
  const subject = withActivity()

  expect(subject.answer(subject.poll(), [schedule('a1')])).toBe(
    'ScheduleActivityDuplicateId: invalid history builder state for action: add-activitytask-scheduled-event, ActivityID: a1',
  )
})

test('an id may be used again after its activity has ended, even if history does not say so yet', () => {
  const subject = withActivity()
  subject.take(5)
  const token = subject.poll()
  subject.completed(5)

  expect(subject.answer(token, [schedule('a1')])).toBeUndefined()

  const { activities, activityIds } = subject.state
  expect([...activities!.keys()]).toEqual([activityIds!.get('a1')])
})

test('an id that is asked to stop may be used again only if nobody had taken it', () => {
  const subject = withActivity()
  subject.take(5)
  expect(subject.answer(subject.poll(), [cancel(5), schedule('a1')])).toMatch('ScheduleActivityDuplicateId')

  const other = withActivity()
  expect(other.answer(other.poll(), [cancel(5), schedule('a1')])).toBeUndefined()
  expect(other.state.activityIds!.size).toBe(1)
})

test('more pending activities than anybody needs are a bad command', () => {
  const subject = new Subject()
  subject.start()
  const commands = Array.from({ length: 2000 }, (_, at) => schedule(`a${at}`))

  expect(subject.answer(subject.poll(), [...commands, schedule('more')])).toBe(
    'PendingActivitiesLimitExceeded: the number of pending activities, 2000, has reached the per-workflow limit of 2000',
  )
  expect(subject.answer(subject.poll(), commands)).toBeUndefined()
})

test.each([4, 77])('canceling activity %i, which is none, is a bad command', (scheduledEventId) => {
  const subject = withActivity()

  expect(subject.answer(subject.poll(), [cancel(scheduledEventId)])).toBe(
    `BadRequestCancelActivityAttributes: invalid history builder state for action: add-activitytask-cancel-requested-event, ScheduledEventID: ${scheduledEventId}`,
  )
})

test('canceling an activity when there was never one is a bad command', () => {
  const subject = new Subject()
  subject.start()

  expect(subject.answer(subject.poll(), [cancel(5)])).toMatch('BadRequestCancelActivityAttributes')
})

test('canceling twice is a bad command, in one answer or in two', () => {
  const subject = withActivity()
  subject.take(5)
  expect(subject.answer(subject.poll(), [cancel(5), cancel(5)])).toMatch('BadRequestCancelActivityAttributes')

  expect(subject.answer(subject.poll(), [cancel(5)])).toBeUndefined()
  subject.signal('wake')
  expect(subject.answer(subject.poll(), [cancel(5)])).toMatch('BadRequestCancelActivityAttributes')
})

test('the wish to cancel what has ended unseen is recorded, and the end stays what it is', () => {
  const subject = withActivity()
  subject.take(5)
  const token = subject.poll()
  subject.completed(5)

  const count = subject.history.length
  expect(subject.answer(token, [cancel(5)])).toBeUndefined()

  expect(subject.types.slice(count)).toEqual([
    'WorkflowTaskCompleted',
    'ActivityTaskCancelRequested',
    'ActivityTaskStarted',
    'ActivityTaskCompleted',
    'WorkflowTaskScheduled',
  ])
  expect(subject.state.activities!.size).toBe(0)
})

test('an activity is open until it ends, and no longer than its execution', () => {
  const subject = withActivity()
  expect(findOpenActivity(subject.state, 5)).toBeDefined()
  expect(findOpenActivity(subject.state, 6)).toBeUndefined()

  subject.run(COMPLETE)

  expect(findOpenActivity(subject.state, 5)).toBeUndefined()
  expect(findOpenActivity(new Subject().state, 5)).toBeUndefined()
})
