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
  const end = performance.now() + delayMs
  let handle: NodeJS.Timeout
  const sleep = (): void => {
    const left = end - performance.now()
    handle = left > TIMEOUT_MAX_MS ? setTimeout(sleep, TIMEOUT_MAX_MS) : setTimeout(run, Math.max(0, left))
    if (options.keepAlive !== true) handle.unref()
  }
  sleep()
  const cancel = (): void => clearTimeout(handle)
  return { cancel, [Symbol.dispose]: cancel }
}
