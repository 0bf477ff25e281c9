import type { Component, Events, PeerId, SpaceId } from '../../base/index.ts'

export interface StandingEvents {
  /** Somebody, or this device itself, is no member any more. */
  'member:removed': {
    readonly space: SpaceId
    readonly peer: PeerId
    readonly by: PeerId
    readonly reason: 'removed' | 'left' | 'rotated'
    readonly self: boolean
  }
}

/**
 * What two devices that differ about who is a member tell each other, and nothing else (docs/specs/standing.md): a device that was
 * removed hears of it, and one that was admitted elsewhere shows it.
 */
export interface Standing extends Component {
  readonly events: Events<StandingEvents>
  /** Resolves once those who are linked have been told what changed just now, or did not listen: within 2 s. */
  told(): Promise<void>
}
