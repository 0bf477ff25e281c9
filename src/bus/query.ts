import { type Clock, type PeerId, reasonOf } from '../base/index.ts'
import { BusError } from './errors.ts'
import type { Ask } from './questions.ts'
import type { QueryAnswer, QueryResult } from './types.ts'

export interface QueryInit {
  readonly peers: readonly PeerId[]
  readonly enough: number | undefined
  /** The same for every peer; its signal is the caller's. */
  readonly ask: Ask
  /** Asks one peer. Rejects at once if it is not ready. */
  readonly request: (peer: PeerId, ask: Ask) => Promise<Uint8Array>
  readonly clock: Clock
}

/**
 * Scatters one request and gathers until `enough` peers have answered, all have, or the deadline passed. Rejects only with the
 * reason of the caller's signal; whatever a peer does is part of the result. Requests that are no longer needed are cancelled.
 */
export async function query(init: QueryInit): Promise<QueryResult> {
  const { ask, clock } = init
  ask.signal?.throwIfAborted()
  const peers = [...new Set(init.peers)]
  const enough = Math.max(1, init.enough ?? peers.length)
  const startedAt = clock.monotonic()
  const answers: QueryAnswer[] = []
  const failed: { readonly peer: PeerId; readonly reason: string }[] = []
  const silent: PeerId[] = []
  const stop = new AbortController()
  const signal = ask.signal === undefined ? stop.signal : AbortSignal.any([ask.signal, stop.signal])
  const askOne = async (peer: PeerId): Promise<void> => {
    try {
      const body = await init.request(peer, { ...ask, signal })
      if (stop.signal.aborted) return
      answers.push({ peer, body, elapsedMs: clock.monotonic() - startedAt })
      if (answers.length >= enough) stop.abort()
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof BusError && error.code === 'ERR_REQUEST_TIMEOUT') silent.push(peer)
      else failed.push({ peer, reason: reasonOf(error) })
    }
  }
  await Promise.all(peers.map(askOne))
  ask.signal?.throwIfAborted()
  return { answers, coverage: { asked: peers.length, answered: answers.length, failed, silent } }
}
