import { pino } from 'pino'
import { type Logger, type LogLevel, REDACTED } from '../../base/index.ts'

export interface PinoLoggerInit {
  readonly level: LogLevel
  /** Where the JSON lines go; stderr by default, because stdout belongs to MCP and `--json`. */
  readonly write?: (line: string) => void
}

/** JSON lines through pino. */
export function pinoLogger(init: PinoLoggerInit): Logger {
  const { write } = init
  const destination = write === undefined ? pino.destination({ fd: 2, sync: true }) : { write }
  const redact = { paths: REDACTED.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' }
  return wrap(pino({ level: init.level, base: null, redact }, destination))
}

function wrap(from: ReturnType<typeof pino>): Logger {
  return {
    trace: (fields, message) => from.trace(fields, message),
    debug: (fields, message) => from.debug(fields, message),
    info: (fields, message) => from.info(fields, message),
    warn: (fields, message) => from.warn(fields, message),
    error: (fields, message) => from.error(fields, message),
    child: (fields) => wrap(from.child(fields)),
  }
}
