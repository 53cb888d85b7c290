/** Names of things, and what makes them well formed. */
import { z } from 'zod'

/** At most this many bytes of UTF-8 in any id a user gives: a row key is made of it. */
export const MAX_ID_BYTES = 1000

/** The namespace that a loom uses unless it is given another, and its id on every store. */
export const DEFAULT_NAMESPACE = 'default'
export const DEFAULT_NAMESPACE_ID = '32049b68-7872-4094-8e63-d0dd59896a83'

/** One run of one workflow. */
export interface ExecutionRef {
  /** A UUID; what is hashed and stored. */
  readonly namespaceId: string
  readonly workflowId: string
  /** A UUID, version 7. */
  readonly runId: string
}

/** Which execution a verb is for: one run, or the current one of its workflow id. */
export interface ExecutionTarget {
  readonly namespaceId: string
  readonly workflowId: string
  readonly runId?: string | undefined
}

/** Names an attempt. Opaque to workers; every field is checked when it comes back. */
export interface ActivityTaskToken extends ExecutionRef {
  readonly scheduledEventId: number
  readonly attempt: number
  readonly stamp: number
  readonly version: number
}

const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?:[^\uD800-\uDBFF]|^)[\uDC00-\uDFFF]/

/** Two texts of lone surrogates would be one in UTF-8, and neither would come back as it was. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text)
}

const TOO_LONG = `longer than ${MAX_ID_BYTES} bytes of UTF-8`

/** As `idSchema`, or '' where that says that there is none. */
export const optionalIdSchema: z.ZodType<string> = z
  .string()
  .refine(isWellFormed, 'not well-formed Unicode')
  .refine((id) => id.length * 3 <= MAX_ID_BYTES || Buffer.byteLength(id) <= MAX_ID_BYTES, TOO_LONG)

/** Ids must be well formed Unicode, from 1 to 1,000 bytes of UTF-8. */
export const idSchema: z.ZodType<string> = z
  .string()
  .min(1)
  .refine(isWellFormed, 'not well-formed Unicode')
  .refine((id) => id.length * 3 <= MAX_ID_BYTES || Buffer.byteLength(id) <= MAX_ID_BYTES, TOO_LONG)
