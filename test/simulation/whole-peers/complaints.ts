import type { Logger } from '../../../src/base/index.ts'

/** A log that hands on what a peer thinks is an error, and drops the rest. */
export function complaints(onError: (what: string) => void): Logger {
  const drop = (): void => undefined
  const error = (fields: object, message: string): void => onError(`${message} ${JSON.stringify(fields)}`)
  return { trace: drop, debug: drop, info: drop, warn: drop, error, child: () => complaints(onError) }
}
