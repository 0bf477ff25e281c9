export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

type Write = (fields: object, message: string) => void

/** Structured logging, the subset of pino that we use. Never pass keys, tokens or the text of thoughts. */
export interface Logger {
  readonly trace: Write
  readonly debug: Write
  readonly info: Write
  readonly warn: Write
  readonly error: Write
  child(fields: { readonly module: string }): Logger
}

/** For embedding and tests: says nothing. */
export function silentLogger(): Logger {
  const write: Write = () => undefined
  return { trace: write, debug: write, info: write, warn: write, error: write, child: () => silentLogger() }
}

/** Field names whose values must never reach a log, wherever they stand. */
export const REDACTED: readonly string[] = [
  'token',
  'secret',
  'seed',
  'privateKey',
  'ticket',
  'passphrase',
  'text',
  'body',
]
