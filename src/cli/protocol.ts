/**
 * The control protocol between the command line and its daemon: one JSON object a line over a socket that only the user
 * may open. Several requests may be under way on one connection.
 */
export interface ControlRequest {
  readonly id: number
  readonly op: string
  readonly input: unknown
}

export interface ControlCancel {
  readonly cancel: number
}

export interface ControlProgress {
  readonly id: number
  readonly progress: { readonly done: number; readonly total?: number; readonly message?: string }
}

export interface ControlResult {
  readonly id: number
  readonly data: unknown
}

export interface ControlFailure {
  readonly id: number
  readonly error: { readonly code: string; readonly message: string; readonly fix?: string }
}

export type ControlReply = ControlProgress | ControlResult | ControlFailure

/** The longest line either side accepts, in characters. */
export const CONTROL_LINE_MAX_CHARS: number = 16 * 1024 * 1024
/** Requests under way on one connection. */
export const CONTROL_MAX_IN_FLIGHT = 64

/** Cuts a stream of text into lines; `feed` returns the complete ones and throws RangeError when a line grows too long. */
export function lineSplitter(): (chunk: string) => readonly string[] {
  let rest = ''
  return (chunk) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > CONTROL_LINE_MAX_CHARS) throw new RangeError('line too long')
    return lines.filter((line) => line !== '')
  }
}
