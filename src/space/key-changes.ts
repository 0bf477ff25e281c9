import type { PeerId } from '../base/index.ts'
import type { Draft } from '../records/index.ts'
import type { Standing } from './membership.ts'
import type { SpaceState } from './space-state.ts'
import type { Role } from './types.ts'

/** A device that is about to become a member. */
export interface Admitted {
  readonly device: PeerId
  readonly role: Role
  /** 64 hexadecimal digits. */
  readonly principal: string
  /** X25519 public key, hexadecimal. */
  readonly sealing: string
}

/**
 * What a change of membership means for the keys of an encrypted space. The records are written in the same commit as the change,
 * after it: nobody is ever removed without the new key being there, where the remover may make one.
 */
export interface KeyChanges {
  /** Grants of the keys that a new member may have. */
  onAdmission(state: SpaceState, admitted: Admitted): readonly Draft[]
  /** A new epoch for whoever remains, if this device may make one. */
  onRemoval(state: SpaceState, removed: PeerId): readonly Draft[]
  /** The one or the other, where a role lets somebody read who could not, or no more. */
  onRole(state: SpaceState, target: Standing, role: Role): readonly Draft[]
}
