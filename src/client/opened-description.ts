/**
 * What `describe` shows of failures: as they were before codecs had them.
 *
 * Invariant: a description is given whatever the codecs do. What they cannot decode is shown as it is stored.
 */
import type { Failure } from '../protocol/failure.js'
import type { PendingActivity, StalledDescription, WorkflowDescription } from '../protocol/description.js'
import type { DataConverter } from '../workflow/data-converter.js'
import { openedFailure } from '../workflow/failure-payloads.js'
import { CodecFailure } from '../workflow/payload-codec.js'

export function openedDescription(description: WorkflowDescription, converter: DataConverter): WorkflowDescription {
  const { pendingActivities, stalled } = description
  const isAnyEncoded = stalled !== undefined || pendingActivities.some(({ lastFailure }) => lastFailure !== undefined)
  if (!isAnyEncoded) return description
  return {
    ...description,
    pendingActivities: pendingActivities.map((pending) => openedPending(pending, converter)),
    stalled: stalled && openedStall(stalled, converter),
  }
}

function openedPending(pending: PendingActivity, converter: DataConverter): PendingActivity {
  const { lastFailure } = pending
  return lastFailure === undefined ? pending : { ...pending, lastFailure: openedOrNot(lastFailure, converter) }
}

function openedStall(stalled: StalledDescription, converter: DataConverter): StalledDescription {
  const { encodedAttributes, message, ...rest } = stalled
  if (encodedAttributes === undefined) return stalled
  const { stackTrace = '', ...shown } = openedOrNot({ type: 'none', message, encodedAttributes }, converter)
  return { ...rest, stackTrace, message: shown.message, encodedAttributes: shown.encodedAttributes }
}

function openedOrNot(failure: Failure, converter: DataConverter): Failure {
  try {
    return openedFailure(failure, converter)
  } catch (error) {
    if (!(error instanceof CodecFailure)) throw error
    return failure
  }
}
