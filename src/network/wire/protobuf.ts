import { reader, writer } from 'protons-runtime'
import { reasonOf } from '../../base/index.ts'
import { NetworkError } from '../errors.ts'

/** Types of fields (protobuf.dev, "Encoding"): the two that libp2p's small protocols use. */
const WIRE_NUMBER = 0
const WIRE_BYTES = 2

type Value = number | Uint8Array

/** A field as it is written; one without a value is left out. */
export type ProtobufField = readonly [number: number, value: Value | undefined]

/** Numbers are unsigned and at most 2^53 - 1. */
export function encodeProtobuf(fields: readonly ProtobufField[]): Uint8Array {
  const out = writer()
  for (const [number, value] of fields) {
    if (typeof value === 'number') out.uint32(number * 8 + WIRE_NUMBER).uint64Number(value)
    else if (value !== undefined) out.uint32(number * 8 + WIRE_BYTES).bytes(value)
  }
  return out.finish()
}

/** The fields of a message. Those of other types are passed over; of one that must not repeat, the last counts. */
export class ProtobufFields {
  readonly #numbers = new Map<number, number>()
  readonly #bytes = new Map<number, Uint8Array[]>()

  /** Throws `ERR_MALFORMED_MESSAGE`. */
  constructor(bytes: Uint8Array) {
    try {
      this.#read(bytes)
    } catch (error) {
      throw new NetworkError('ERR_MALFORMED_MESSAGE', `a message cannot be read: ${reasonOf(error)}`, { cause: error })
    }
  }

  number(field: number): number | undefined {
    return this.#numbers.get(field)
  }

  bytes(field: number): Uint8Array | undefined {
    return this.repeatedBytes(field).at(-1)
  }

  repeatedBytes(field: number): readonly Uint8Array[] {
    return this.#bytes.get(field) ?? []
  }

  /** A message within the message. */
  message(field: number): ProtobufFields | undefined {
    const bytes = this.bytes(field)
    return bytes === undefined ? undefined : new ProtobufFields(bytes)
  }

  #read(bytes: Uint8Array): void {
    const input = reader(bytes)
    while (input.pos < input.len) {
      const key = input.uint32()
      const [field, type] = [key >>> 3, key & 7]
      if (type === WIRE_NUMBER) this.#numbers.set(field, input.uint64Number())
      else if (type === WIRE_BYTES) this.#keep(field, input.bytes())
      else input.skipType(type)
    }
  }

  #keep(field: number, value: Uint8Array): void {
    const values = this.#bytes.get(field)
    if (values === undefined) this.#bytes.set(field, [value])
    else values.push(value)
  }
}
