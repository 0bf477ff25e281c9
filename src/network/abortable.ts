/** Waits for `promise`; when the signal aborts first, runs `onAbort` and rejects with the signal's reason. */
export async function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  onAbort?: () => void,
): Promise<T> {
  if (signal === undefined) return promise
  signal.throwIfAborted()
  const settle = Promise.withResolvers<T>()
  const abort = (): void => {
    onAbort?.()
    settle.reject(signal.reason)
  }
  signal.addEventListener('abort', abort, { once: true })
  promise.then(settle.resolve, settle.reject)
  try {
    return await settle.promise
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
