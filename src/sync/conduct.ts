import type { Clock, PeerId } from '../base/index.ts'
import type { IngestReport, RefusalReason } from '../records/index.ts'
import type { Fault } from './catch-up-events.ts'

/** Faults within the window after which a peer is cut off. */
export const FAULTS_MAX = 3
export const FAULT_WINDOW_MS = 600_000
/** The first time a peer is cut off for so long, the next time for twice as long, and so on. */
export const CUT_OFF_MIN_MS = 60_000
export const CUT_OFF_MAX_MS = 3_600_000
const PEERS_MAX = 1_024

/**
 * `gap`: records that were asked for came with others missing between them. `malformed`: a message that cannot be read. `bad-records`: records that nobody who checks them would pass on. `false-proof`: of
 * a fork, that proves none.
 */
export type Misconduct = Fault | 'gap' | 'malformed' | 'bad-records' | 'false-proof'

/** Refusals that an honest peer cannot cause by knowing less or more than we do. */
const HARD_REFUSALS: readonly RefusalReason[] = [
  'malformed',
  'not-canonical',
  'wrong-space',
  'bad-signature',
  'bad-body',
  'too-large',
]

interface Conduct {
  /** When its faults happened. */
  faults: number[]
  cutOffs: number
  cutOffUntil: number
}

/** What peers did wrong, and whom we do not listen to for a while. What a peer sent rightly before is kept. */
export class ConductBook {
  readonly #clock: Clock
  readonly #peers = new Map<PeerId, Conduct>()
  readonly counts: Partial<Record<Misconduct, number>> = {}

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Notes a fault; true if the peer is cut off now. */
  blame(peer: PeerId, misconduct: Misconduct): boolean {
    this.counts[misconduct] = (this.counts[misconduct] ?? 0) + 1
    const now = this.#clock.monotonic()
    const conduct = this.#of(peer)
    conduct.faults = [...conduct.faults.filter((at) => at > now - FAULT_WINDOW_MS), now]
    if (conduct.faults.length < FAULTS_MAX) return false
    conduct.faults = []
    conduct.cutOffUntil = now + Math.min(CUT_OFF_MAX_MS, CUT_OFF_MIN_MS * 2 ** conduct.cutOffs)
    conduct.cutOffs++
    return true
  }

  isCutOff(peer: PeerId): boolean {
    return (this.#peers.get(peer)?.cutOffUntil ?? 0) > this.#clock.monotonic()
  }

  /** Peers that are cut off now. */
  get cutOff(): number {
    return [...this.#peers.keys()].filter((peer) => this.isCutOff(peer)).length
  }

  #of(peer: PeerId): Conduct {
    const known = this.#peers.get(peer)
    if (known !== undefined) return known
    for (const oldest of this.#peers.keys()) {
      if (this.#peers.size < PEERS_MAX) break
      this.#peers.delete(oldest)
    }
    const conduct: Conduct = { faults: [], cutOffs: 0, cutOffUntil: 0 }
    this.#peers.set(peer, conduct)
    return conduct
  }
}

/** Whether a report shows that whoever sent the frames does not check what it passes on. */
export function isBad(report: IngestReport): boolean {
  return HARD_REFUSALS.some((reason) => (report.refused[reason] ?? 0) > 0)
}
