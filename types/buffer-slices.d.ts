/**
 * Methods that every Buffer of Node 20 and newer has and @types/node 20 leaves out: `toString` of one encoding,
 * without looking the encoding up.
 */
interface Buffer {
  utf8Slice(start?: number, end?: number): string
  latin1Slice(start?: number, end?: number): string
  hexSlice(start?: number, end?: number): string
}
