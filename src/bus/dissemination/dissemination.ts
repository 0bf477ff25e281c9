import type { PeerId } from '../../base/index.ts'
import type { Outbox } from '../outbox.ts'
import type { Message, PublishReport } from '../types.ts'

/** A message of ours that has no number yet. */
export type Draft = Omit<Message, 'id'>

/** What became of it here. */
export interface Dispatch extends PublishReport {
  readonly message: Message
  /** The emptiest of the lanes that it was for: the publisher is held back by it. */
  readonly roomiest: Outbox | undefined
}

/**
 * One way to bring what we publish to those who may hear it. Each numbers what it sends (`Numbering`), so that at the other
 * end nothing is delivered twice, and what is missing is noticed. Adapters: `Lanes`, `Tree`, `OpenMesh`;
 * test/acceptance/dissemination.ts holds all three.
 */
export interface Dissemination {
  /** `group` names those who may hear it, see `Admission.groupOf`. */
  publish(draft: Draft, group: string): Dispatch | Promise<Dispatch>
  /** Lanes with a peer are up. */
  welcome(peer: PeerId): void
  /** They are gone. */
  farewell(peer: PeerId): void
  /** Something that waited for a lane of the peer expired there. */
  lapsed(peer: PeerId): void
  /** Membership changed. */
  reconsider(): void
  /** Called about once a second. */
  keepHouse(): void
  stop(): void
}
