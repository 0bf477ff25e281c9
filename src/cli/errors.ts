import { PlexusError } from '../base/index.ts'

export type CliErrorCode = 'ERR_USAGE' | 'ERR_NOT_FOUND' | 'ERR_FILE_UNREADABLE' | 'ERR_FILE_UNWRITABLE'

export class CliError extends PlexusError<CliErrorCode> {
  override readonly name = 'CliError'
}

/** What a process of ours ends with (docs/cli.md). */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notRunning: 3,
  notPermitted: 4,
  notFound: 5,
  timedOut: 6,
  degraded: 7,
  unreachable: 8,
  verification: 9,
  /** The daemon: told twice to stop. */
  forced: 10,
  /** The daemon: something failed that a node cannot do without. */
  lost: 11,
  /** The daemon: an exception that nobody caught (EX_SOFTWARE of sysexits). */
  crashed: 70,
  interrupted: 130,
} as const

const EXIT_BY_CODE: Readonly<Record<string, number>> = {
  ERR_USAGE: EXIT.usage,
  ERR_PROFILE_NAME: EXIT.usage,
  ERR_PAPER_QUERY: EXIT.usage,
  ERR_INVALID_INPUT: EXIT.usage,
  ERR_INVALID_ARGUMENT: EXIT.usage,
  ERR_DAEMON_NOT_RUNNING: EXIT.notRunning,
  ERR_DAEMON_LOST: EXIT.notRunning,
  ERR_STOPPING: EXIT.notRunning,
  ERR_JOIN_REFUSED: EXIT.notPermitted,
  ERR_SPACE_ROLE: EXIT.notPermitted,
  ERR_WRITE_NOT_ALLOWED: EXIT.notPermitted,
  ERR_FOR_PEOPLE: EXIT.notPermitted,
  ERR_LINK_REFUSED: EXIT.notPermitted,
  ERR_LINK_TICKET: EXIT.notPermitted,
  ERR_LINK_WORDS: EXIT.verification,
  ERR_LINK_LATE: EXIT.timedOut,
  ERR_LINK_UNREACHABLE: EXIT.unreachable,
  ERR_RECOVERY_PHRASE: EXIT.verification,
  ERR_KEY_PERMISSIONS: EXIT.notPermitted,
  ERR_NOT_FOUND: EXIT.notFound,
  ERR_PAPER_UNKNOWN: EXIT.notFound,
  ERR_SPACE_UNKNOWN: EXIT.notFound,
  ERR_FILE_UNREADABLE: EXIT.notFound,
  ERR_TIMEOUT: EXIT.timedOut,
  ERR_REQUEST_TIMEOUT: EXIT.timedOut,
  ERR_UNREACHABLE: EXIT.unreachable,
  ERR_JOIN_UNREACHABLE: EXIT.unreachable,
  ERR_PEER_NOT_READY: EXIT.unreachable,
  ERR_TICKET_MALFORMED: EXIT.usage,
  ERR_TICKET_EXPIRED: EXIT.notPermitted,
  ERR_BACKUP_UNREADABLE: EXIT.notFound,
  ERR_BACKUP_DAMAGED: EXIT.verification,
  ERR_KEY_CORRUPT: EXIT.verification,
  ERR_STORE_CORRUPT: EXIT.verification,
}

export function exitCodeOf(code: string): number {
  return EXIT_BY_CODE[code] ?? EXIT.failed
}
