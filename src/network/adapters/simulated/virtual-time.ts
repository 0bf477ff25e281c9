import { BaseError, type VirtualClock } from '../../../base/index.ts'

/** Rounds of waiting for work that is not driven by the clock before we conclude that nothing will ever happen. */
const IDLE_ROUNDS = 1_000

/** Moves virtual time from timer to timer until `work` settles. Rejects with `ERR_TIMEOUT` after `limitMs` of virtual time. */
export async function runUntil<T>(clock: VirtualClock, work: Promise<T>, limitMs = 600_000): Promise<T> {
  let settled = false
  const done = (): void => {
    settled = true
  }
  work.then(done, done)
  const end = clock.monotonic() + limitMs
  for (let idle = 0; idle < IDLE_ROUNDS; ) {
    await turn()
    if (settled) return work
    const wait = clock.untilNextTimer
    if (wait === undefined) idle++
    else if (clock.monotonic() + wait > end) throw new BaseError('ERR_TIMEOUT', `not settled in ${limitMs} virtual ms`)
    else {
      idle = 0
      clock.advance(wait)
    }
  }
  throw new BaseError('ERR_LIFECYCLE', 'not settled, and no timer waits')
}

/** Moves virtual time by `byMs`, from timer to timer, with everything that follows from each. */
export async function runFor(clock: VirtualClock, byMs: number): Promise<void> {
  const end = clock.monotonic() + byMs
  for (;;) {
    await turn()
    const wait = clock.untilNextTimer
    if (wait === undefined || clock.monotonic() + wait > end) break
    clock.advance(wait)
  }
  clock.advance(end - clock.monotonic())
  await turn()
}

/** Lets all promises that are ready run. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
