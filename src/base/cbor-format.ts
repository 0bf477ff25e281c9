/** Nesting that no format of ours comes near; keeps hostile input off the call stack. */
export const CBOR_MAX_DEPTH = 16

/** Assigning to it, as careless code does with keys from outside, would exchange an object's prototype. */
export const FORBIDDEN_KEY = '__proto__'

/** Major types (RFC 8949 section 3.1). */
export const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, simple: 7 } as const

/** Simple values and floats (section 3.3). */
export const SIMPLE = { false: 20, true: 21, null: 22, float16: 25, float32: 26, float64: 27 } as const
