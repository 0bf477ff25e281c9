/**
 * The root of every error that Plexus throws on purpose.
 *
 * Each module derives one class with its own union of codes; callers branch on
 * `code`, never on `message`. Every code is explained in docs/errors.md.
 */
export class PlexusError<Code extends string = string> extends Error {
  override readonly name: string = 'PlexusError'
  readonly code: Code
  /** One sentence that tells a person what to do about it. */
  readonly fix: string | undefined

  constructor(code: Code, message: string, options: PlexusErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.fix = options.fix
  }
}

export interface PlexusErrorOptions {
  readonly cause?: unknown
  readonly fix?: string | undefined
}

export type BaseErrorCode = 'ERR_ENCODING' | 'ERR_TIMEOUT' | 'ERR_OVERFLOW' | 'ERR_LIFECYCLE' | 'ERR_INVALID_ARGUMENT'

export class BaseError extends PlexusError<BaseErrorCode> {
  override readonly name = 'BaseError'
}

/** The one-line form of anything that was thrown, for logs and `reason` fields. */
export function reasonOf(error: unknown): string {
  if (error instanceof PlexusError) return `${error.message} (${error.code})`
  if (error instanceof Error) return error.message
  return String(error)
}

/** The code of an error that Node threw for the operating system, e.g. `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

/** What is told of a thrown value beyond this process: plain JSON. */
export interface ErrorReport {
  readonly code: string
  readonly message: string
  readonly fix?: string | undefined
}

export function errorReport(error: unknown): ErrorReport {
  const message = error instanceof Error ? error.message : String(error)
  return { code: codeOf(error), message, fix: error instanceof PlexusError ? error.fix : undefined }
}

/** The code of a thrown value, or `ERR_INTERNAL` for one that no module of ours threw. */
export function codeOf(error: unknown): string {
  return error instanceof PlexusError ? error.code : 'ERR_INTERNAL'
}
