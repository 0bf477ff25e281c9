import { type Clock, encodeCbor, type PeerId, tryDecodeCbor } from '../base/index.ts'
import type { Bus } from '../bus/index.ts'

const CLOCK_KIND = 'node.clock'
const ASK_TIMEOUT_MS = 2_000

/** How far a peer's clock is from ours. */
export interface PeerClock {
  readonly peer: PeerId
  /** Theirs minus ours, milliseconds. */
  readonly offsetMs: number
  /** The truth lies within so much of it: half of the round trip. */
  readonly uncertaintyMs: number
}

/** Tells members what time it is here. */
export function answerClock(bus: Bus, clock: Clock): Disposable {
  return bus.respond(CLOCK_KIND, async () => encodeCbor(clock.now()))
}

/** Asks all ready peers what time it is there; one that does not say is left out. */
export async function peerClocks(bus: Bus, clock: Clock, signal: AbortSignal): Promise<readonly PeerClock[]> {
  const ready = bus.presence().flatMap(({ peer, state }) => (state === 'ready' ? [peer] : []))
  const askedAt = clock.now()
  const question = { priority: 'critical', timeoutMs: ASK_TIMEOUT_MS, signal } as const
  const { answers } = await bus.query(ready, CLOCK_KIND, new Uint8Array(0), question)
  return answers.flatMap(({ peer, body, elapsedMs }) => {
    const theirs = tryDecodeCbor(body)
    // As in SNTP (RFC 4330 section 5): their clock was read half way between question and answer.
    const uncertaintyMs = elapsedMs / 2
    return typeof theirs === 'number' ? [{ peer, offsetMs: theirs - (askedAt + uncertaintyMs), uncertaintyMs }] : []
  })
}
