/** Runs `run` with the signal's reason once it aborts, at once if it has; not any more after it was disposed. */
export function whenAborted(signal: AbortSignal | undefined, run: (reason: unknown) => void): Disposable {
  const onAbort = (): void => run(signal?.reason)
  if (signal?.aborted) onAbort()
  else signal?.addEventListener('abort', onAbort, { once: true })
  return { [Symbol.dispose]: () => signal?.removeEventListener('abort', onAbort) }
}

/**
 * Waits for `promise`, but no longer than the signal allows: then runs `onAbort` and rejects with the signal's reason. What the
 * promise comes to afterwards is nobody's concern.
 */
export async function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  onAbort?: () => void,
): Promise<T> {
  if (signal === undefined) return promise
  const settle = Promise.withResolvers<T>()
  promise.then(settle.resolve, settle.reject) // in any case: a late rejection must not go unhandled
  using _abort = whenAborted(signal, (reason) => {
    onAbort?.()
    settle.reject(reason)
  })
  return await settle.promise
}
