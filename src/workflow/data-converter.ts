/**
 * The data converter: the one way of user values into what is stored, and out of it.
 *
 * Invariant: with nothing given it is the built-in converter and costs no more. What depends on a codec (a key that is not
 * there, a size after encoding) is told by a CodecFailure; every other refusal depends on the value alone, and is the same
 * in a replay.
 */
import { types } from 'node:util'
import { LoomError } from '../base/errors.js'
import { isPayload, type Payload, type Payloads } from '../protocol/payload.js'
import { checkPayload, decodePayload, encodePayload, MAX_PAYLOAD_BYTES } from './converter.js'
import { checkOptions, invalid } from './options.js'
import {
  CodecFailure,
  isPromise,
  messageOf,
  throughCodecs,
  type DataConverterOptions,
  type PayloadCodec,
  type PayloadConverter,
} from './payload-codec.js'

/** Whose values pass: a run. */
export interface PayloadHome {
  readonly converter: DataConverter
  readonly isReplaying: boolean
  /** True: the run stops here, and its code must not see the error. */
  stopsBy(error: unknown): boolean
}

export class DataConverter {
  readonly maxPayloadBytes: number
  /** Do texts of failures go through the codecs? */
  readonly encodesCommonAttributes: boolean
  readonly #converters: readonly PayloadConverter[]
  readonly #codecs: readonly PayloadCodec[]
  readonly #isReadOnly: boolean
  readonly #isBuiltIn: boolean
  /** Before the codecs have their turn: where there are some, the limit is for what they make. */
  readonly #maxOwnBytes: number
  #dry: DataConverter | undefined

  constructor(options: DataConverterOptions, maxPayloadBytes: number, isReadOnly = false) {
    this.maxPayloadBytes = maxPayloadBytes
    this.encodesCommonAttributes = !isReadOnly && (options.encodeCommonAttributes ?? false)
    this.#converters = options.payloadConverters ?? []
    this.#codecs = options.payloadCodecs ?? []
    this.#isReadOnly = isReadOnly
    this.#isBuiltIn = this.#converters.length === 0 && this.#codecs.length === 0
    this.#maxOwnBytes = this.#codecs.length === 0 ? maxPayloadBytes : Infinity
  }

  /** The same without codecs, both ways: for what is made to be compared, and is sent to nobody. */
  get dry(): DataConverter {
    if (this.#codecs.length === 0 && !this.encodesCommonAttributes) return this
    return (this.#dry ??= new DataConverter({ payloadConverters: this.#converters }, this.#maxOwnBytes))
  }

  /** The same, but that codecs encode nothing: for who reads what others wrote. */
  get readOnly(): DataConverter {
    const options = { payloadConverters: this.#converters, payloadCodecs: this.#codecs }
    return new DataConverter(options, this.maxPayloadBytes, true)
  }

  /** LOOM_INVALID_ARGUMENT when `value` cannot be carried, or is too big; `path` names it there. Or a CodecFailure. */
  encode(value: unknown, path: string): Payload {
    if (this.#isBuiltIn) return encodePayload(value, path, this.maxPayloadBytes)
    return this.#encoded([this.#payload(value, path)], path)[0]!
  }

  encodeAll(values: readonly unknown[], path: string): Payloads {
    const payloads = values.map((value, at) => this.#payload(value, `${path}[${at}]`))
    return payloads.length === 0 ? payloads : this.#encoded(payloads, path)
  }

  /** Refuses what `encode` refuses, as far as that depends on the value: a replay must refuse what the sender was refused. */
  check(value: unknown, path: string): void {
    if (this.#isBuiltIn) checkPayload(value, path, this.maxPayloadBytes)
    else this.#payload(value, path)
  }

  /** A CodecFailure when it cannot be read here; LOOM_INVALID_ARGUMENT when its bytes are not what its encoding says. */
  decode(payload: Payload, path: string): unknown {
    if (this.#isBuiltIn) return decodePayload(payload, path)
    return this.#value(this.opened([payload], path)[0]!, path)
  }

  decodeAll(payloads: Payloads | undefined, path: string): unknown[] {
    if (payloads === undefined || payloads.length === 0) return []
    return this.opened(payloads, path).map((payload, at) => this.#value(payload, `${path}[${at}]`))
  }

  /** What the codecs were given when these were encoded. */
  opened(payloads: Payloads, path: string): Payloads {
    return this.#codecs.length === 0 ? payloads : throughCodecs(this.#codecs, 'decode', payloads, path)
  }

  #encoded(payloads: Payloads, path: string): Payloads {
    if (this.#isReadOnly || this.#codecs.length === 0) return payloads
    const encoded = throughCodecs(this.#codecs, 'encode', payloads, path)
    for (const { data } of encoded) {
      if (data.length <= this.maxPayloadBytes) continue
      const size = `${data.length} bytes when encoded, more than the ${this.maxPayloadBytes} of a payload`
      // Of a value that has no such size in a replay, and perhaps no such size with the next key.
      throw new CodecFailure(`${path}: ${size}`, undefined, 'LOOM_INVALID_ARGUMENT')
    }
    return encoded
  }

  #payload(value: unknown, path: string): Payload {
    const maxBytes = this.#maxOwnBytes
    for (const converter of value === undefined ? [] : this.#converters) {
      const payload = converted(converter, value, path)
      if (payload === undefined) continue
      const { length } = payload.data
      if (length > maxBytes) throw invalid(`${path}: ${length} bytes, more than the ${maxBytes} of a payload`)
      return payload
    }
    return encodePayload(value, path, maxBytes)
  }

  #value(payload: Payload, path: string): unknown {
    const { encoding } = payload.metadata
    const converter = this.#converters.find(({ encodingType }) => encodingType === encoding)
    if (converter === undefined) return decodePayload(payload, path)
    let value: unknown
    try {
      value = converter.fromPayload(payload)
    } catch (cause) {
      const message = `${path}: the converter of '${converter.encodingType}' cannot read it: ${messageOf(cause)}`
      throw new CodecFailure(message, { cause })
    }
    if (isPromise(value))
      throw new CodecFailure(`${path}: the converter of '${converter.encodingType}' answers with a promise`)
    return value
  }
}

/** With nothing given. */
export const BUILT_IN: DataConverter = new DataConverter({}, MAX_PAYLOAD_BYTES)

function converted(converter: PayloadConverter, value: unknown, path: string): Payload | undefined {
  const { encodingType } = converter
  let payload: unknown
  try {
    payload = converter.toPayload(value)
  } catch (cause) {
    const message = `${path}: the converter of '${encodingType}' refuses it: ${messageOf(cause)}`
    throw new LoomError('LOOM_INVALID_ARGUMENT', message, { cause })
  }
  if (payload === undefined) return undefined
  if (!isPromise(payload) && isPayload(payload) && payload.metadata['encoding'] === encodingType) return payload
  throw invalid(
    `${path}: the converter of '${encodingType}' answers with something else than a payload of that encoding`,
  )
}

const OPTIONS: ReadonlySet<string> = new Set<keyof DataConverterOptions>([
  'payloadConverters',
  'payloadCodecs',
  'encodeCommonAttributes',
])
const BUILT_IN_ENCODINGS: readonly unknown[] = ['json/plain', 'binary/plain', 'binary/null']

/** LOOM_INVALID_ARGUMENT, beginning with `path`, names what is wrong with the options. */
export function newDataConverter(
  options: DataConverterOptions | undefined,
  maxPayloadBytes: number = MAX_PAYLOAD_BYTES,
  path = 'options.dataConverter',
): DataConverter {
  if (options === undefined) return new DataConverter({}, maxPayloadBytes)
  checkOptions(options, OPTIONS, path)
  const { payloadConverters = [], payloadCodecs = [], encodeCommonAttributes = false } = options
  checkConverters(payloadConverters, `${path}.payloadConverters`)
  checkList(payloadCodecs, `${path}.payloadCodecs`, ['encode', 'decode'])
  if (typeof encodeCommonAttributes !== 'boolean') throw invalid(`${path}.encodeCommonAttributes: not true or false`)
  // Copies: lists that are changed later change nothing here.
  const copied = { payloadConverters: [...payloadConverters], payloadCodecs: [...payloadCodecs] }
  return new DataConverter({ ...copied, encodeCommonAttributes }, maxPayloadBytes)
}

function checkConverters(converters: readonly PayloadConverter[], path: string): void {
  checkList(converters, path, ['toPayload', 'fromPayload'])
  const known = new Set(BUILT_IN_ENCODINGS)
  for (const [at, { encodingType }] of (converters as readonly { readonly encodingType: unknown }[]).entries()) {
    if (typeof encodingType !== 'string' || encodingType === '')
      throw invalid(`${path}[${at}].encodingType: not the name of an encoding`)
    if (known.has(encodingType)) throw invalid(`${path}[${at}].encodingType: a second converter of '${encodingType}'`)
    known.add(encodingType)
  }
}

function checkList(list: unknown, path: string, methods: readonly string[]): void {
  if (!Array.isArray(list)) throw invalid(`${path}: not a list`)
  for (const [at, one] of (list as readonly unknown[]).entries()) {
    for (const method of methods) {
      const fn = typeof one === 'object' && one !== null ? (one as Record<string, unknown>)[method] : undefined
      if (typeof fn !== 'function') throw invalid(`${path}[${at}].${method}: not a function`)
      // Found out now, rather than with the first value.
      if (types.isAsyncFunction(fn))
        throw invalid(`${path}[${at}].${method}: an async function; only synchronous ones fit`)
    }
  }
}

/**
 * The value that a payload of a history carries. `dataConverter` is what `openLoom` was given, if anything. Throws
 * LOOM_CODEC_FAILED when it cannot be read with that, and LOOM_INVALID_ARGUMENT when its bytes are not what its encoding says;
 * the message begins with `path`.
 */
export function readPayload(payload: Payload, path = 'value', dataConverter?: DataConverterOptions): unknown {
  return newDataConverter(dataConverter).decode(payload, path)
}
