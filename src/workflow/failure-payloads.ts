/**
 * What of a failure goes through the data converter: its details and, where that is wanted, its message and stack trace.
 *
 * Invariant: what cannot be encoded is left out, or is a CodecFailure where the caller is strict; it never shows in clear.
 */
import { isLoomError } from '../base/errors.js'
import type { Failure } from '../protocol/failure.js'
import type { Payloads } from '../protocol/payload.js'
import type { DataConverter } from './data-converter.js'
import { CodecFailure } from './payload-codec.js'
import { field, textOf } from './thrown.js'

/** What stands where the message was, as in Temporal's SDKs. */
const ENCODED = 'Encoded failure'

export interface DetailRoom {
  readonly converter: DataConverter
  /** A codec that fails is an error of the caller's, and not something to be left out. */
  readonly isStrict: boolean
  /** For details: how much room is left. */
  detailBytes: number
}

/** Details as payloads, or why they cannot be sent. Undefined: there are none. */
export function detailsOf(values: unknown, room: DetailRoom): Payloads | string | undefined {
  const { converter, isStrict, detailBytes: maxBytes } = room
  if (!Array.isArray(values) || values.length === 0) return undefined
  try {
    const payloads = converter.encodeAll(values, 'details')
    let bytes = 0
    for (const { data } of payloads) bytes += data.length
    return bytes <= maxBytes ? payloads : `${bytes} bytes, more than the ${maxBytes} there is room for`
  } catch (error) {
    if (isStrict && isLoomError(error, 'LOOM_CODEC_FAILED')) throw error
    return textOf(field(error, 'message'))
  }
}

/** The details of a cancellation; one that cannot be told whole is told without, unless `isStrict` and it is for a codec that fails. */
export function cancelDetailsOf(error: object, converter: DataConverter, isStrict = false): Payloads | undefined {
  const details = detailsOf(field(error, 'details'), { converter, isStrict, detailBytes: converter.maxPayloadBytes })
  return typeof details === 'string' ? undefined : details
}

export type Common = Pick<Failure, 'message' | 'stackTrace' | 'encodedAttributes'>

/** The names are Temporal's. Nothing of the texts may show when a codec fails. */
export function encodedCommon(common: Common, { converter, isStrict }: DetailRoom): Common {
  if (!converter.encodesCommonAttributes) return common
  const { message, stackTrace = '' } = common
  try {
    const encodedAttributes = converter.encode({ message, stack_trace: stackTrace }, 'failure')
    return { message: ENCODED, encodedAttributes }
  } catch (error) {
    if (isStrict && isLoomError(error, 'LOOM_CODEC_FAILED')) throw error
    return { message: `${ENCODED} (but it could not be encoded, and is lost)` }
  }
}

export function commonOf({ message, stackTrace = '', encodedAttributes }: Failure, converter: DataConverter): Common {
  if (encodedAttributes === undefined) return { message, stackTrace }
  const [attributes] = valuesOf([encodedAttributes], converter)
  const own = { message: field(attributes, 'message'), stackTrace: field(attributes, 'stack_trace') }
  return { message: textOf(own.message ?? message), stackTrace: textOf(own.stackTrace ?? '') }
}

export function valuesOf(payloads: Payloads | undefined, converter: DataConverter): unknown[] {
  try {
    return converter.decodeAll(payloads, 'details')
  } catch (error) {
    if (error instanceof CodecFailure) throw error
    return []
  }
}

/** The failure as it was before codecs had parts of it, causes included. Throws a CodecFailure and nothing else. */
export function openedFailure(failure: Failure, converter: DataConverter): Failure {
  const { encodedAttributes, ...rest } = failure as Failure & Details
  const { cause, details, lastHeartbeatDetails } = rest
  return {
    ...rest,
    ...(encodedAttributes && commonOf(failure, converter)),
    ...(details && { details: converter.opened(details, 'details') }),
    ...(lastHeartbeatDetails && { lastHeartbeatDetails: converter.opened(lastHeartbeatDetails, 'details') }),
    ...(cause && { cause: openedFailure(cause, converter) }),
  }
}

interface Details {
  readonly details?: Payloads
  readonly lastHeartbeatDetails?: Payloads
}
