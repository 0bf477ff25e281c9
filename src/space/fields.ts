import {
  bytesOfHex,
  type CborValue,
  hexOf,
  isList,
  isMap,
  keyOfPeerId,
  type PeerId,
  PUBLIC_KEY_BYTES,
  peerIdOfKey,
} from '../base/index.ts'

/** Thrown by `read` for a value that does not fit; the codecs catch it. */
export class FieldMismatch extends Error {}

/** One value of a body: how it is checked and typed when read, and how it is written. */
export interface Field<T> {
  read(value: CborValue | undefined): T
  write(value: T): CborValue | undefined
}

/** A field for each property; an optional property has one that reads `undefined`. */
export type Shape<T> = { readonly [Name in keyof Required<T>]: Field<T[Name]> }

function fit(holds: boolean, expected: string): asserts holds {
  if (!holds) throw new FieldMismatch(`expected ${expected}`)
}

export function bytesField(min: number, max: number = min): Field<Uint8Array> {
  return {
    read: (value) => {
      fit(value instanceof Uint8Array && value.byteLength >= min && value.byteLength <= max, `${min}-${max} bytes`)
      return value
    },
    write: (value) => value,
  }
}

/** Bytes that the code handles as hexadecimal text. */
export function hexField<T extends string = string>(length: number): Field<T> {
  const bytes = bytesField(length)
  return { read: (value) => hexOf(bytes.read(value)) as T, write: (value) => bytesOfHex(value) }
}

/** An Ed25519 public key that the code handles as a peer id. */
export const peerField: Field<PeerId> = {
  read: (value) => peerIdOfKey(bytesField(PUBLIC_KEY_BYTES).read(value)),
  write: (value) => keyOfPeerId(value),
}

export function uintField(min: number, max: number = Number.MAX_SAFE_INTEGER): Field<number> {
  return {
    read: (value) => {
      fit(typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max, `${min}..${max}`)
      return value
    },
    write: (value) => value,
  }
}

export function textField(maxChars: number): Field<string> {
  return {
    read: (value) => {
      fit(typeof value === 'string' && value.length <= maxChars, `text of at most ${maxChars} characters`)
      return value
    },
    write: (value) => value,
  }
}

export function choiceField<const T extends string | number | boolean>(choices: readonly T[]): Field<T> {
  return {
    read: (value) => {
      const found = choices.find((choice) => choice === value)
      fit(found !== undefined, choices.join(' or '))
      return found
    },
    write: (value) => value,
  }
}

export function optionalField<T>(field: Field<T>): Field<T | undefined> {
  return {
    read: (value) => (value === undefined ? undefined : field.read(value)),
    write: (value) => (value === undefined ? undefined : field.write(value)),
  }
}

export function listField<T>(item: Field<T>, maxItems: number): Field<readonly T[]> {
  return {
    read: (value) => {
      fit(isList(value) && value.length <= maxItems, `a list of at most ${maxItems}`)
      return value.map((one) => item.read(one))
    },
    write: (value) => value.map((one) => item.write(one) ?? null),
  }
}

/** An array of fixed length, each place with its own type. */
export function tupleField<T extends readonly unknown[]>(
  ...places: { readonly [I in keyof T]: Field<T[I]> }
): Field<T> {
  return {
    read: (value) => {
      fit(isList(value) && value.length === places.length, `${places.length} items`)
      return places.map((place, index) => place.read(value[index])) as unknown as T
    },
    write: (value) => places.map((place, index) => place.write(value[index]) ?? null),
  }
}

/** A map with these names and no others. */
export function mapField<T extends object>(shape: Shape<T>): Field<T> {
  const fields = Object.entries(shape) as [string, Field<unknown>][]
  return {
    read: (value) => {
      fit(isMap(value), 'a map')
      for (const name of Object.keys(value)) fit(Object.hasOwn(shape, name), `no field ${name}`)
      return named(fields, ([name, field]) => field.read(value[name])) as unknown as T
    },
    write: (value) =>
      named(fields, ([name, field]) => field.write((value as { readonly [name: string]: unknown })[name])),
  }
}

type Named = { readonly [name: string]: CborValue }

/** An object of what `take` gives for each field, without the absent ones. */
function named(fields: [string, Field<unknown>][], take: (field: [string, Field<unknown>]) => unknown): Named {
  const entries = fields.map((field) => [field[0], take(field)] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Named
}
