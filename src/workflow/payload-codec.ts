/**
 * What users may put between their values and what is stored: converters, which know kinds of values, and codecs, which
 * change payloads: encrypt them, compress them. Names and order are those of Temporal's SDKs.
 */
import { types } from 'node:util'
import { LoomError, type ErrorCode } from '../base/errors.js'
import { isPayload, type Payload, type Payloads } from '../protocol/payload.js'

/** Makes payloads of one kind of values, under an encoding of its own. */
export interface PayloadConverter {
  /** `metadata.encoding` of what it makes, by which it is found again. */
  readonly encodingType: string
  /**
   * The payload of a value; undefined: it is for the next converter. It must depend on the value alone, since a replay asks
   * again, and must answer at once. What it throws refuses the value: LOOM_INVALID_ARGUMENT.
   */
  toPayload(value: unknown): Payload | undefined
  /** The value of a payload that it made, perhaps in an earlier release. It must depend on the payload alone. */
  fromPayload(payload: Payload): unknown
}

/**
 * Changes payloads on their way to the store, and back. Both ways are synchronous: keys are to be at hand when it is called.
 * A payload that it was given belongs to others, and must not be written to.
 */
export interface PayloadCodec {
  /**
   * One for one. Metadata is not hidden: `encoding` has to name what comes out. It need not be the same each time (a random
   * nonce is fine).
   */
  encode(payloads: readonly Payload[]): readonly Payload[]
  /** The inverse, one for one. What it did not encode comes too, and goes through as it is. */
  decode(payloads: readonly Payload[]): readonly Payload[]
}

/** What a loom does with values beside what it does by itself. */
export interface DataConverterOptions {
  /** Asked in this order, before those for JSON and bytes. Default: none. */
  readonly payloadConverters?: readonly PayloadConverter[] | undefined
  /** The last one encodes first and decodes last. Default: none. */
  readonly payloadCodecs?: readonly PayloadCodec[] | undefined
  /**
   * Do messages and stack traces of failures go through the codecs as well? They are part of histories otherwise, for
   * everyone to read. Default false.
   */
  readonly encodeCommonAttributes?: boolean | undefined
}

/**
 * A payload that cannot be read or written as things are, whatever its value: a key is missing, a codec throws. Workflow code
 * never sees it, since code that went another way because of it would not replay.
 */
export class CodecFailure extends LoomError {
  override readonly name = 'CodecFailure'

  constructor(message: string, options?: ErrorOptions, code: ErrorCode = 'LOOM_CODEC_FAILED') {
    super(code, message, options)
  }
}

type Direction = 'encode' | 'decode'

/** Through all codecs. Throws a CodecFailure that begins with `path`. */
export function throughCodecs(
  codecs: readonly PayloadCodec[],
  direction: Direction,
  payloads: Payloads,
  path: string,
): Payloads {
  const ordered = direction === 'encode' ? codecs.toReversed() : codecs
  return ordered.reduce((before, codec) => through(codec, direction, before, path), payloads)
}

function through(codec: PayloadCodec, direction: Direction, payloads: Payloads, path: string): Payloads {
  let answer: unknown
  try {
    answer = codec[direction](payloads)
  } catch (cause) {
    throw new CodecFailure(`${path}: a codec cannot ${direction} it: ${messageOf(cause)}`, { cause })
  }
  if (isPromise(answer))
    throw new CodecFailure(`${path}: a codec answers ${direction} with a promise; only synchronous ones fit`)
  if (!Array.isArray(answer) || answer.length !== payloads.length || !answer.every(isPayload)) {
    const wanted = payloads.length === 1 ? 'a list of one payload' : `a list of ${payloads.length} payloads`
    throw new CodecFailure(`${path}: a codec answers ${direction} with something else than ${wanted}`)
  }
  return answer
}

/** Whatever becomes of it: nobody waits for it. */
export function isPromise(answer: unknown): boolean {
  if (!types.isPromise(answer)) return false
  answer.catch(() => {})
  return true
}

export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown)
  } catch {
    return 'something that has no text'
  }
}
