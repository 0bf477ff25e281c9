import { type SqlValue, StoreError } from '../store/index.ts'

export function integer(value: SqlValue | undefined): number {
  return typeof value === 'number' ? value : refuse('an integer', value)
}

export function blob(value: SqlValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : refuse('bytes', value)
}

export function text(value: SqlValue | undefined): string {
  return typeof value === 'string' ? value : refuse('text', value)
}

/** Our tables are STRICT, so a value of another type means that somebody else wrote to the file. */
function refuse(expected: string, value: SqlValue | undefined): never {
  throw new StoreError('ERR_STORE_CORRUPT', `a column holds ${typeof value} where ${expected} should be`)
}
