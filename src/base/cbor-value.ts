/** What our formats can hold (see `encodeCbor`). */
export type CborValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly CborValue[]
  | { readonly [key: string]: CborValue }

/** Whether a decoded value is an array; `Array.isArray` does not narrow readonly ones. */
export function isList(value: CborValue | undefined): value is readonly CborValue[] {
  return Array.isArray(value)
}

/** Whether a decoded value, of CBOR or of JSON, is a map. */
export function isMap(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}
