import type { Clock, Events, PeerId, SpaceId } from '../../base/index.ts'
import { verifier } from '../../identity/index.ts'
import type { Transport } from '../../network/index.ts'
import type { Frame, Journal } from '../../records/index.ts'
import { parseTicket, SpaceError, type Spaces, type Ticket } from '../../space/index.ts'
import { SyncError } from '../errors.ts'
import type { JoinOptions, JoinReport, SyncEvents } from '../types.ts'
import { proveAdmission } from './admission-proof.ts'
import { askIssuer } from './joiner.ts'

/** How long a join waits for the records of the space. By then it has succeeded; what is missing keeps coming. */
export const JOIN_IN_STEP_TIMEOUT_MS = 30_000

export interface JoinComponents {
  readonly transport: Transport
  readonly journal: Journal
  readonly spaces: Spaces
  readonly clock: Clock
  readonly events: Events<SyncEvents>
  readonly addressesOf: (peer: PeerId) => readonly string[]
  /** Records of a space that we hold. */
  readonly recordsOf: (space: SpaceId) => number
}

/** The joiner's side, from the text of a ticket to being in step. */
export class Join {
  readonly #use: JoinComponents
  readonly #running = new Map<SpaceId, Promise<JoinReport>>()

  constructor(components: JoinComponents) {
    this.#use = components
  }

  /** A second call for a space that is being joined gets the outcome of the first. */
  async run(text: string, options: JoinOptions, signal: AbortSignal): Promise<JoinReport> {
    const ticket = parsed(text, this.#use.clock.now())
    if (this.#use.spaces.get(ticket.space)?.self !== undefined) {
      const { issuer: peer, addresses } = ticket
      if (addresses.length > 0) this.#use.events.emit('peer:addresses', { peer, addresses })
      throw new SyncError('ERR_ALREADY_MEMBER', 'this device is a member of that space already', {
        fix: 'Nothing to do; `plexus status` shows the space.',
      })
    }
    options.onStep?.('ticket-read')
    const running = this.#running.get(ticket.space)
    if (running !== undefined) return running
    const join = this.#join(ticket, options, signal).finally(() => this.#running.delete(ticket.space))
    this.#running.set(ticket.space, join)
    return join
  }

  async #join(ticket: Ticket, options: JoinOptions, signal: AbortSignal): Promise<JoinReport> {
    const { spaces, transport, clock, events, addressesOf } = this.#use
    const request = spaces.requestFor(ticket, options.name)
    const addresses = [...new Set([...ticket.addresses, ...addressesOf(ticket.issuer)])]
    const answer = await askIssuer(
      { ...ticket, addresses },
      request,
      { transport, clock },
      {
        signal,
        onConnected: () => options.onStep?.('connected'),
        onAdmitted: () => options.onStep?.('admitted'),
      },
    )
    const proof = { space: ticket.space, self: transport.self, verifier: verifier() }
    const logs = proveAdmission(answer.frames, proof)

    // Before the records: a member that knows no address of any other could never come back.
    for (const known of [{ peer: ticket.issuer, addresses }, ...answer.peers]) {
      if (known.peer !== transport.self && known.addresses.length > 0) events.emit('peer:addresses', known)
    }
    const inStep = this.#untilInStep(ticket.space, signal)
    this.#store(ticket.space, logs)
    options.onStep?.('membership-received')
    if (await inStep) options.onStep?.('in-step')
    return this.#report(ticket)
  }

  /** Whether it happened in time; never rejects. */
  async #untilInStep(space: SpaceId, signal: AbortSignal): Promise<boolean> {
    const { events, clock } = this.#use
    const late = new AbortController()
    using _timer = clock.setTimer(JOIN_IN_STEP_TIMEOUT_MS, () => late.abort())
    const either = AbortSignal.any([signal, late.signal])
    const next = events.next('space:in-step', { signal: either, matches: (event) => event.space === space })
    return await next.then(
      () => true,
      () => false,
    )
  }

  #store(space: SpaceId, logs: readonly (readonly Frame[])[]): void {
    const { spaces, journal } = this.#use
    using _expected = spaces.expect(space)
    for (const frames of logs) journal.ingest(space, frames, 'run')
    journal.retryParked(space)
    if (spaces.get(space)?.self !== undefined) return
    throw new SyncError('ERR_JOIN_ANSWER', 'the control records of the issuer were not accepted by the store', {
      fix: 'Check the clocks of both machines: records from more than five minutes ahead are set aside.',
    })
  }

  #report({ space, issuer }: Ticket): JoinReport {
    const info = this.#use.spaces.get(space)
    const members = info?.members.length ?? 0
    return { space, name: info?.name ?? '', issuer, members, records: this.#use.recordsOf(space) }
  }
}

function parsed(text: string, nowMs: number): Ticket {
  try {
    return parseTicket(text, nowMs)
  } catch (cause) {
    if (!(cause instanceof SpaceError)) throw cause
    const code = cause.code === 'ERR_TICKET_EXPIRED' ? 'ERR_TICKET_EXPIRED' : 'ERR_TICKET_MALFORMED'
    throw new SyncError(code, cause.message, cause.fix === undefined ? { cause } : { cause, fix: cause.fix })
  }
}
