import type { PeerClock } from '../../node/index.ts'
import type { StoreReport } from '../../store/index.ts'
import type { DaemonInfo } from '../daemon/run.ts'
import type { Sample } from '../daemon/sample.ts'
import type { McpClient } from './mcp-clients.ts'

/** A file or folder that should be the user's alone. */
export interface FileFact {
  readonly path: string
  /** Absent for a file that is not there, or cannot be looked at. */
  readonly mode?: number
  readonly error?: string
}

export interface DialFact {
  readonly address: string
  /** Why it could not be reached from this machine, if so. */
  readonly error: string | undefined
}

/** What a running daemon says, and how it can be reached. */
export interface DaemonFacts {
  readonly info: DaemonInfo & { readonly logLinesLost: number }
  readonly answerMs: number
  readonly sample: Sample
  readonly settings: Readonly<Record<string, string>>
  readonly clocks: readonly PeerClock[]
  readonly dials: readonly DialFact[]
  /** What `/livez` on the port of MCP over HTTP came to. */
  readonly http: DialFact | undefined
  /** How many files it may have open, where the system tells. */
  readonly openFilesMax: number | undefined
}

/** Everything that the checks look at. */
export interface Facts {
  readonly nodeVersion: string
  /** Of this command. */
  readonly version: string
  readonly system: string
  readonly windows: boolean
  readonly now: number
  /** When this program was put on the disk: no clock that is right shows less. */
  readonly installedAt: number
  readonly folder: FileFact
  readonly key: FileFact
  readonly tokenFile: FileFact
  /** Why the place of the sockets is not safe, if so. */
  readonly socketFolderError: string | undefined
  readonly disk: { readonly freeBytes: number; readonly writeError: string | undefined } | undefined
  /** The process that `daemon.json` names. */
  readonly recorded: { readonly pid: number; readonly isRunning: boolean } | undefined
  /** `silent`: it is there and does not answer. `older`: it does not know what this command asks. */
  readonly daemon: DaemonFacts | 'down' | 'silent' | 'older'
  readonly store: (StoreReport & { readonly walBytes: number }) | { readonly error: string } | undefined
  /** Files in `crashes/`, milliseconds since 1970. */
  readonly crashes: readonly number[]
  /** Addresses of this machine beyond loopback. */
  readonly hasIpv6: boolean
  /** Why the group of mDNS cannot be joined, if so. */
  readonly multicastError: string | undefined
  readonly mcpClients: readonly McpClient[]
}
