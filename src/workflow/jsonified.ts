/** The type of what comes back of a value that was sent without a schema: what JSON and the converter make of it. */

/** A Date comes back as a text, methods do not; bytes and undefined come back as they were. */
export type Jsonified<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined | void
    ? T
    : T extends Uint8Array
      ? Uint8Array
      : T extends { readonly toJSON: (...args: never) => infer J }
        ? Jsonified<J>
        : T extends readonly unknown[]
          ? { [K in keyof T]: Jsonified<T[K]> }
          : T extends Unsendable
            ? never
            : { [K in keyof T as T[K] extends (...args: never) => unknown ? never : K]: Jsonified<T[K]> }

/** The converter refuses these. */
type Unsendable =
  | bigint
  | symbol
  | ((...args: never) => unknown)
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | PromiseLike<unknown>
  | Error
  | RegExp
