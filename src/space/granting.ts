import { type Clock, hexOf, type PeerId, type Random } from '../base/index.ts'
import { type Journal, LOG_CLASS } from '../records/index.ts'
import { type GrantableRole, writeControl } from './control-records.ts'
import { SpaceError } from './errors.ts'
import { INVITE_SEED_BYTES, inviteKey } from './invite-key.ts'
import type { KeyChanges } from './key-changes.ts'
import type { Standing } from './membership.ts'
import { isAtLeast, rankOf } from './roles.ts'
import type { SpaceState } from './space-state.ts'
import { formatTicket } from './tickets.ts'
import { CONTROL_KIND, INVITE_MAX_USES, type Invite, type InviteOptions, ROLES, type Role } from './types.ts'

const INVITE_MAX_TTL_MS = 366 * 24 * 3_600_000

export interface GranterComponents {
  readonly self: PeerId
  readonly clock: Clock
  readonly random: Random
  readonly keys: KeyChanges
  journal(): Journal
}

/** Writes what an admin grants: tickets and roles. */
export class Granter {
  readonly #use: GranterComponents

  constructor(components: GranterComponents) {
    this.#use = components
  }

  async invite(
    state: SpaceState,
    { role, uses, ttlMs, addresses }: InviteOptions,
  ): Promise<{ readonly ticket: string; readonly invite: Invite }> {
    this.#assertAdmin(state)
    if (state.genesis.body.personal) {
      throw new SpaceError('ERR_SPACE_PERSONAL', 'nobody is invited to a personal space', {
        fix: 'Create a space to share, and invite to that.',
      })
    }
    assertGrantable(role)
    if (!isWithin(uses, 1, INVITE_MAX_USES)) throw invalid(`uses must be from 1 to ${INVITE_MAX_USES}, not ${uses}`)
    if (!isWithin(ttlMs, 1, INVITE_MAX_TTL_MS)) throw invalid('a ticket is valid for at least 1 ms and at most a year')

    const { self, clock, random } = this.#use
    const space = state.id
    const seed = random.bytes(INVITE_SEED_BYTES)
    const key = hexOf(inviteKey(seed).publicKey)
    const expires = Math.floor(clock.now()) + ttlMs
    const body = writeControl('invite', { key, role, uses, expires })
    await this.#use.journal().append({ space, class: LOG_CLASS.control, kind: CONTROL_KIND.invite, body })
    const ticket = formatTicket({ space, issuer: self, seed, addresses, expires })
    return { ticket, invite: { id: key, space, role, uses, used: 0, expires, by: self, revoked: false } }
  }

  async setRole(state: SpaceState, peer: PeerId, role: Role): Promise<void> {
    const { self, keys } = this.#use
    const own = this.#assertAdmin(state)
    assertGrantable(role)
    const target = state.membership.members.get(peer)
    if (target === undefined) throw invalid('that peer is not a member of the space')
    const lowersItself = peer === self && target.role !== 'founder' && rankOf(role) < rankOf(target.role)
    if (target.level <= own.level && !lowersItself) {
      throw new SpaceError('ERR_SPACE_ROLE', 'only an admin on a lower level may change the role of a member', {
        fix: '`plexus members` shows the levels; nobody changes the founder.',
      })
    }
    if (target.role === role) return
    const cuts = state.controlCuts(peer)
    const body = writeControl('role', { device: peer, role, replaces: target.decision, cuts })
    const change = { space: state.id, class: LOG_CLASS.control, kind: CONTROL_KIND.role, body }
    await this.#use.journal().appendTogether([change, ...keys.onRole(state, target, role)])
  }

  #assertAdmin(state: SpaceState): Standing {
    const own = state.membership.members.get(this.#use.self)
    if (own !== undefined && isAtLeast(own.role, 'admin')) return own
    throw new SpaceError('ERR_SPACE_ROLE', `this needs the role admin; yours is ${own?.role ?? 'none'}`, {
      fix: 'Ask an admin of the space.',
    })
  }
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max
}

function assertGrantable(role: Role): asserts role is GrantableRole {
  if (role === 'founder' || !ROLES.includes(role)) {
    throw invalid(`the role must be one of ${ROLES.slice(0, -1).join(', ')}`)
  }
}

function invalid(message: string): SpaceError {
  return new SpaceError('ERR_SPACE_ARGUMENT', message)
}
