import type { Clock, Timer } from '../clock.ts'

/** A longer timeout would fire at once (https://nodejs.org/api/timers.html#settimeoutcallback-delay-args). */
const TIMEOUT_MAX_MS = 2 ** 31 - 1

/** The machine's own clock. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    setTimer,
  }
}

function setTimer(delayMs: number, run: () => void, options: { readonly keepAlive?: boolean } = {}): Timer {
  if (delayMs > TIMEOUT_MAX_MS) return longTimer(delayMs, run, options)
  // A timeout of 0 would be one of 1 ms, for which the event loop may stand idle.
  if (delayMs <= 0) {
    const handle = setImmediate(run)
    if (options.keepAlive !== true) handle.unref()
    const cancel = (): void => clearImmediate(handle)
    return { cancel, [Symbol.dispose]: cancel }
  }
  const handle = setTimeout(run, delayMs)
  if (options.keepAlive !== true) handle.unref()
  const cancel = (): void => clearTimeout(handle)
  return { cancel, [Symbol.dispose]: cancel }
}

function longTimer(delayMs: number, run: () => void, options: { readonly keepAlive?: boolean }): Timer {
  let timer: Timer = setTimer(
    TIMEOUT_MAX_MS,
    () => {
      timer = setTimer(delayMs - TIMEOUT_MAX_MS, run, options)
    },
    options,
  )
  const cancel = (): void => timer.cancel()
  return { cancel, [Symbol.dispose]: cancel }
}
