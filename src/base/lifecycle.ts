import { whenAborted } from './abort.ts'
import type { Clock } from './clock.ts'
import { BaseError } from './errors.ts'

/** How a component is doing, for people and for `status`. */
export type ComponentState = 'stopped' | 'starting' | 'ok' | 'degraded' | 'failed' | 'stopping'

/** Every state that is not green says why, since when, and what to do. */
export interface ComponentStatus {
  readonly state: ComponentState
  readonly reason?: string
  /** Wall clock, milliseconds since 1970. */
  readonly since: number
  readonly fix?: string
  /** Figures worth showing: counts, sizes, rates. Names carry their unit. */
  readonly figures?: Readonly<Record<string, number>>
}

export interface StartOptions {
  readonly signal?: AbortSignal
}

/**
 * Something a node starts and stops.
 *
 * Caller's duties: construct (no I/O happens), `start` once its dependencies run, `stop` before they stop.
 * `start` and `stop` are idempotent. `stop` refuses new work, finishes or rejects what is in flight, and releases
 * sockets, files and timers; when its signal aborts it rejects with the reason and goes on in the background.
 */
export interface Component extends AsyncDisposable {
  readonly name: string
  start(options?: StartOptions): Promise<void>
  stop(options?: StartOptions): Promise<void>
  status(): ComponentStatus
}

/** Waits for `promise` at most `timeoutMs`, then rejects with `ERR_TIMEOUT` naming `what`. The work itself is not cancelled. */
export async function withDeadline<T>(
  promise: Promise<T>,
  options: { readonly clock: Clock; readonly timeoutMs: number; readonly what: string; readonly signal?: AbortSignal },
): Promise<T> {
  const { clock, timeoutMs, what, signal } = options
  const settle = Promise.withResolvers<T>()
  using _timer = clock.setTimer(timeoutMs, () =>
    settle.reject(new BaseError('ERR_TIMEOUT', `${what} took longer than ${timeoutMs} ms`)),
  )
  using _abort = whenAborted(signal, settle.reject)
  promise.then(settle.resolve, settle.reject) // in any case: a late rejection must not go unhandled
  return await settle.promise
}

/** Resolves after `delayMs`; rejects with the signal's reason. Somebody waits for it, so it keeps the process alive. */
export async function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  using _timer = clock.setTimer(delayMs, resolve, { keepAlive: true })
  using _abort = whenAborted(signal, reject)
  await promise
}
