import type { ErrorReport } from '../base/index.ts'

/**
 * The control protocol between the command line and its daemon: one JSON object a line over a socket that only the user
 * may open. Several requests may be under way on one connection.
 */
export interface ControlRequest {
  readonly id: number
  readonly op: string
  readonly input: unknown
  /** The agent that asks, as it calls itself; without it, the person asks. */
  readonly agent?: string | undefined
  /** W3C traceparent of the call. */
  readonly trace?: string | undefined
}

export interface ControlProgress {
  readonly id: number
  readonly progress: { readonly done: number; readonly total?: number; readonly message?: string }
}

/** One of many answers; the result ends them. */
export interface ControlPart {
  readonly id: number
  readonly part: unknown
}

export interface ControlResult {
  readonly id: number
  readonly data: unknown
}

export interface ControlFailure {
  readonly id: number
  readonly error: ErrorReport
}

export type ControlReply = ControlProgress | ControlPart | ControlResult | ControlFailure

/** The longest line either side accepts, in characters. */
export const CONTROL_LINE_MAX_CHARS: number = 16 * 1024 * 1024
/** Requests under way on one connection. */
export const CONTROL_MAX_IN_FLIGHT = 64
/** Connections to one daemon, of which each server with `withPlexus` holds one; more are closed at once. */
export const CONTROL_MAX_CONNECTIONS = 256
/** Replies that wait for a client to read them; beyond it the daemon reads no more requests of that client. */
export const CONTROL_UNREAD_MAX_BYTES: number = 1024 * 1024

/** Parts of an answer that wait in the client; beyond it nothing more is read from the daemon. */
export const CONTROL_PARTS_WAITING_MAX = 16

/** Cuts a stream of text into lines: returns the complete ones of each chunk. Throws RangeError when a line grows too long. */
export function lineSplitter(): (chunk: string) => readonly string[] {
  let parts: string[] = []
  let length = 0
  return (chunk) => {
    const [end = '', ...lines] = chunk.split('\n')
    parts.push(end)
    length += end.length
    if (length > CONTROL_LINE_MAX_CHARS) throw new RangeError('line too long')
    const rest = lines.pop()
    if (rest === undefined) return []
    lines.unshift(parts.join(''))
    parts = [rest]
    length = rest.length
    return lines.filter((line) => line !== '')
  }
}
