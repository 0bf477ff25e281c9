import { type Clock, isHex, isPeerId, isSpaceId, type PeerId, PUBLIC_KEY_BYTES, type SpaceId } from '../base/index.ts'
import { CERTIFICATE_MAX_BYTES, isName, SIGNATURE_BYTES, type Verifier } from '../identity/index.ts'
import { type Journal, LOG_CLASS, type StoredRecord } from '../records/index.ts'
import { LEVEL_MAX, writeControl } from './control-records.ts'
import type { InviteStanding } from './hearing.ts'
import { certified, isProven } from './invite-key.ts'
import type { KeyChanges } from './key-changes.ts'
import { isAtLeast } from './roles.ts'
import type { SpaceState } from './space-state.ts'
import { CONTROL_KIND, type JoinOutcome, type JoinRefusal, type JoinRequest } from './types.ts'

export interface RedeemerComponents {
  readonly self: PeerId
  readonly verifier: Verifier
  readonly clock: Clock
  readonly keys: KeyChanges
  journal(): Journal
  stateOf(space: SpaceId): SpaceState | undefined
  onAdmitted(request: JoinRequest): void
}

const SENTENCES: Readonly<Record<JoinRefusal, string>> = {
  ERR_INVITE_UNKNOWN: 'this peer made no such ticket',
  ERR_INVITE_USED: 'the ticket has been used',
  ERR_INVITE_EXPIRED: 'the ticket has expired',
  ERR_INVITE_REVOKED: 'the ticket was withdrawn',
  ERR_INVITE_REMOVED: 'this device was removed from the space by somebody who ranks above the maker of the ticket',
  ERR_INVITE_PROOF: 'the request does not prove that its sender holds the ticket',
  ERR_INVITE_SPACE: 'this peer admits nobody to that space',
  ERR_INVITE_NOT_ISSUER: 'only the peer that made the ticket can admit its holder',
  ERR_JOIN_MALFORMED: 'the request is malformed',
}

/**
 * The issuer's side of a join. A use is taken before the admission is written and given back if writing fails, so however
 * many requests come at once there is exactly one admission per use; after a restart the uses are counted from the log.
 */
export class Redeemer {
  readonly #components: RedeemerComponents
  /** Admissions being written, by invite, then by device. */
  readonly #admitting = new Map<string, Map<PeerId, Promise<JoinOutcome>>>()

  constructor(components: RedeemerComponents) {
    this.#components = components
  }

  async redeem(request: JoinRequest): Promise<JoinOutcome> {
    const { self, verifier, clock } = this.#components
    if (!isWellFormed(request)) return refusal('ERR_JOIN_MALFORMED')
    const state = this.#components.stateOf(request.space)
    if (state === undefined || state.genesis.body.personal) return refusal('ERR_INVITE_SPACE')
    if (!isProven(request, verifier)) return refusal('ERR_INVITE_PROOF')
    const subject = certified(request.certificate, request.device, { verifier, nowMs: clock.now() })
    if (subject === undefined) return refusal('ERR_JOIN_MALFORMED')

    const { members, invites } = state.membership
    const named = invites.filter(({ id }) => id === request.inviteId)
    const invite = named.find(({ by }) => by === self)
    if (invite === undefined) return refusal(named.length > 0 ? 'ERR_INVITE_NOT_ISSUER' : 'ERR_INVITE_UNKNOWN')
    const known = members.get(request.device)
    if (known !== undefined) return this.#alreadyAdmitted(known.admission)
    if (!isAtLeast(members.get(self)?.role, 'admin')) return refusal('ERR_INVITE_NOT_ISSUER')

    if (!state.mayReadmit(self, request.device)) return refusal('ERR_INVITE_REMOVED')

    const admitting = this.#admitting.get(invite.id) ?? new Map<PeerId, Promise<JoinOutcome>>()
    const running = admitting.get(request.device)
    if (running !== undefined) return running
    if (invite.revoked) return refusal('ERR_INVITE_REVOKED')
    if (clock.now() > invite.expires) return refusal('ERR_INVITE_EXPIRED')
    const taken = [...admitting.keys()].filter((device) => !members.has(device)).length
    if (invite.used + taken >= invite.uses) return refusal('ERR_INVITE_USED')
    const outcome = this.#admit(state, invite, request, subject)
    this.#admitting.set(invite.id, admitting.set(request.device, outcome))
    try {
      return await outcome
    } finally {
      admitting.delete(request.device)
      if (admitting.size === 0) this.#admitting.delete(invite.id)
    }
  }

  /** The answer may have been lost on its way, so a member that asks again is told the same. */
  #alreadyAdmitted(admission: StoredRecord['id']): JoinOutcome {
    const record = this.#components.journal().record(admission)
    return record === undefined ? refusal('ERR_INVITE_UNKNOWN') : { ok: true, record }
  }

  async #admit(
    state: SpaceState,
    invite: InviteStanding,
    request: JoinRequest,
    subject: { readonly principal: string; readonly sealing: string },
  ): Promise<JoinOutcome> {
    const { device, name, certificate } = request
    const own = state.membership.members.get(this.#components.self)
    const former = state.membership.former.get(device)
    // Not above where it was: that would lift it above whoever removed it.
    const level = Math.min(LEVEL_MAX, Math.max((own?.level ?? 0) + 1, former?.level ?? 0))
    const body = writeControl('admit', {
      ...subject,
      device,
      name,
      certificate,
      level,
      role: invite.role,
      invite: invite.id,
      ...(former === undefined ? {} : { after: former.revocations }),
    })
    const draft = { space: state.id, class: LOG_CLASS.control, kind: CONTROL_KIND.admit, body }
    const grants = this.#components.keys.onAdmission(state, { device, role: invite.role, ...subject })
    const [record] = await this.#components.journal().appendTogether([draft, ...grants])
    if (record === undefined) throw new Error('the journal returns what it wrote')
    // Its hybrid time may lie after the expiry although our clock does not: then it counts for nobody.
    const counts = state.membership.members.get(device)?.admission === record.id
    if (!counts) return refusal('ERR_INVITE_EXPIRED')
    this.#components.onAdmitted(request)
    return { ok: true, record }
  }
}

function isWellFormed(request: JoinRequest): boolean {
  const { space, inviteId, device, certificate, name, proof } = request
  const named = isSpaceId(space) && isHex(inviteId, PUBLIC_KEY_BYTES) && isPeerId(device) && isName(name)
  return named && certificate.byteLength <= CERTIFICATE_MAX_BYTES && proof.byteLength === SIGNATURE_BYTES
}

function refusal(code: JoinRefusal): JoinOutcome {
  return { ok: false, code, message: SENTENCES[code] }
}
