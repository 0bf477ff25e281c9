import type { Component, Events, PeerId, SpaceId } from '../base/index.ts'
import type { Keeping, Range } from './wire.ts'

export interface SyncEvents {
  /** We and this peer hold the same records of the space. */
  'space:in-step': {
    readonly space: SpaceId
    readonly peer: PeerId
    readonly received: number
    readonly elapsedMs: number
  }
  /** A peer asked to join; `outcome` is `admitted` or the refusal's code. */
  'join:answered': {
    readonly space: SpaceId | undefined
    readonly peer: PeerId
    readonly name: string
    readonly outcome: string
  }
  /** While joining we were told where a member can be reached. */
  'peer:addresses': { readonly peer: PeerId; readonly addresses: readonly string[] }
}

export type JoinStep = 'ticket-read' | 'connected' | 'admitted' | 'membership-received' | 'in-step'

export interface JoinReport {
  readonly space: SpaceId
  readonly name: string
  readonly issuer: PeerId
  readonly members: number
  readonly records: number
}

export interface JoinOptions {
  /** Our own name as others will see it; at most 64 characters. */
  readonly name: string
  readonly signal?: AbortSignal
  readonly onStep?: (step: JoinStep) => void
}

/** Where one space stands, for `status`. */
export interface SpaceProgress {
  readonly space: SpaceId
  /** Records known to exist at linked members that we do not hold yet. */
  readonly behind: number
  readonly inStepWith: readonly PeerId[]
  readonly parked: number
}

/** How much of the data of a space this peer keeps; what it writes itself it keeps in full, and control records always. */
export interface Replication {
  readonly durable: Keeping
  readonly expiring: Keeping
}

/** The beam between the two pillars: live spreading, catch-up, and the way in for new members. */
export interface Sync extends Component {
  readonly events: Events<SyncEvents>
  /**
   * Redeems a ticket. Rejects with `SyncError`: `ERR_TICKET_MALFORMED`, `ERR_TICKET_EXPIRED`, `ERR_JOIN_REFUSED` (its `reason` is
   * the issuer's `JoinRefusal` or `ERR_JOIN_BUSY`), `ERR_JOIN_UNREACHABLE`, `ERR_JOIN_ANSWER`, `ERR_ALREADY_MEMBER`. Nothing of
   * the space is stored unless it resolves. Once membership is on disk it waits at most 30 s for the records, then resolves.
   */
  join(ticket: string, options: JoinOptions): Promise<JoinReport>
  /** One round of anti-entropy with every ready member now. */
  syncNow(space: SpaceId, options?: { readonly signal?: AbortSignal }): Promise<void>
  progress(): readonly SpaceProgress[]
  /** Everything, unless it was set otherwise. Throws `ERR_SYNC_STOPPED`; undefined for a space that is not synced. */
  replication(space: SpaceId): Replication | undefined
  /**
   * From now on and over restarts. Nothing that is held is dropped. What was left out before is fetched soon: records by the
   * next comparisons, bodies in the background.
   */
  setReplication(space: SpaceId, replication: Partial<Replication>): void
  /**
   * Fetches the bodies of records of a log that are held without, from members who have them; says how many came. Rejects with
   * the signal's reason, `ERR_SYNC_STOPPED`, or what the last member answered if none could be asked.
   */
  fetchBodies(space: SpaceId, range: Range, options?: { readonly signal?: AbortSignal }): Promise<number>
}
