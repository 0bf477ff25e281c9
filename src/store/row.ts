import type { SqlValue } from './database.ts'
import { StoreError } from './errors.ts'

/** A column of a row that holds an integer, bytes or text. Throws `ERR_STORE_CORRUPT` for anything else. */
export function integer(value: SqlValue | undefined): number {
  return typeof value === 'number' ? value : refuse('an integer', value)
}

export function blob(value: SqlValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : refuse('bytes', value)
}

export function text<T extends string = string>(value: SqlValue | undefined): T {
  return typeof value === 'string' ? (value as T) : refuse('text', value)
}

/** Our tables are STRICT, so a value of another type means that somebody else wrote to the file. */
function refuse(expected: string, value: SqlValue | undefined): never {
  const found = value === null ? 'nothing' : typeof value
  throw new StoreError('ERR_STORE_CORRUPT', `a column holds ${found} where ${expected} should be`)
}
