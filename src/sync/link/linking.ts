import {
  type Clock,
  type ComponentStatus,
  Events,
  hexOf,
  type Logger,
  type PeerId,
  type Random,
  reasonOf,
  whenAborted,
} from '../../base/index.ts'
import { decodeCertificate, type KeyFile, type Verifier } from '../../identity/index.ts'
import type { Channel, Transport } from '../../network/index.ts'
import type { Journal } from '../../records/index.ts'
import { deviceProof, type Spaces } from '../../space/index.ts'
import { SyncError } from '../errors.ts'
import { FramedChannel } from '../join/framed-channel.ts'
import type { PeerAddresses } from '../join/join-wire.ts'
import { Dialogue } from './dialogue.ts'
import { Admission } from './link-admission.ts'
import { linkBusy, linkError } from './link-errors.ts'
import { LinkGuest } from './link-guest.ts'
import type { LinkOutcome } from './link-host.ts'
import { formatLinkTicket, LINK_SEED_BYTES, type LinkTicket, linkKey, parseLinkTicket } from './link-ticket.ts'
import { LINK_PROTOCOL } from './link-wire.ts'
import { Offering } from './offering.ts'
import { Reception } from './reception.ts'
import { NONCE_BYTES } from './transcript.ts'
import type { Linking, LinkingEvents, LinkOfferOptions, LinkOptions, LinkReport } from './types.ts'

export const LINK_TICKET_TTL_MS = 600_000
/** Streams of one peer while a ticket is open. */
export const LINK_STREAMS_PER_PEER = 1

export interface LinkingComponents {
  readonly transport: Transport
  readonly journal: Journal
  readonly spaces: Spaces
  readonly keys: KeyFile
  readonly verifier: Verifier
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly addressesOf: (peer: PeerId) => readonly string[]
  /** Resolves once the lanes of this member are up. */
  readonly appears: (peer: PeerId, signal: AbortSignal) => Promise<unknown>
  /** Keeps the device that is being admitted across a crash; undefined when that is over. */
  readonly unfinished: { get(): PeerId | undefined; set(device: PeerId | undefined): void }
}

export function createLinking(): (components: LinkingComponents) => Linking {
  return (components) => new DeviceLinking(components)
}

class DeviceLinking implements Linking {
  readonly name = 'linking'
  readonly events: Events<LinkingEvents>
  readonly #use: LinkingComponents
  readonly #dialogue: Dialogue
  #busy = false
  #running: AbortController | undefined
  #since: number

  constructor(components: LinkingComponents) {
    this.#use = { ...components, log: components.log.child({ module: 'link' }) }
    this.#dialogue = new Dialogue(this.#use)
    this.events = new Events(components.log)
    this.#since = components.clock.now()
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    this.#running = new AbortController()
    this.#since = this.#use.clock.now()
    const device = this.#use.unfinished.get()
    if (device !== undefined) void this.#settle(device, this.#running.signal)
  }

  async stop(): Promise<void> {
    this.#running?.abort(new SyncError('ERR_SYNC_STOPPED', 'linking is stopping'))
    this.#running = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    return { state: this.#running === undefined ? 'stopped' : 'ok', since: this.#since }
  }

  isGuest(peer: PeerId): boolean {
    return this.#dialogue.isWith(peer)
  }

  confirm(words: string): void {
    this.#dialogue.confirm(words)
  }

  refuse(): void {
    this.#dialogue.refuse()
  }

  async offer(options: LinkOfferOptions): Promise<LinkReport> {
    const { keys, transport, random, clock } = this.#use
    if (keys.identity.certify === undefined) throw noKey()
    const signal = this.#begin(options.signal)
    try {
      const seed = random.bytes(LINK_SEED_BYTES)
      const { ttlMs = LINK_TICKET_TTL_MS, addresses } = options
      const ticket: LinkTicket = { host: transport.self, seed, addresses, expires: Math.floor(clock.now()) + ttlMs }
      const onEnd = (peer: PeerId, outcome: LinkOutcome): void => this.#tell(peer, 'old', outcome)
      const offering = new Offering({ ticket, options, signal, onEnd }, this.#use, this.#dialogue)
      const late = linkError({ is: 'failed', why: 'late', by: 'us' }, new Error('nobody used the ticket'))
      using _expiry = clock.setTimer(ttlMs, () => offering.end(late), { keepAlive: true })
      using _left = whenAborted(signal, (reason) => offering.end(reason))
      using _handler = transport.handle(LINK_PROTOCOL, { maxInboundStreams: LINK_STREAMS_PER_PEER }, (channel) =>
        offering.answer(channel),
      )
      options.onStep?.({ is: 'ticket', ticket: formatLinkTicket(ticket), expires: ticket.expires })
      return await offering.result
    } finally {
      this.#busy = false
    }
  }

  async link(text: string, options: LinkOptions): Promise<LinkReport> {
    const { clock, spaces, keys } = this.#use
    const ticket = parseLinkTicket(text, clock.now())
    if (spaces.list().some(({ self, members }) => self !== undefined && members.length > 1)) throw inSpaces()
    // A rotation has been begun: the key that would be linked is about to go.
    if (keys.next !== undefined) throw linkBusy()
    const signal = this.#begin(options.signal)
    try {
      const channel = await this.#connect(ticket, signal)
      options.onStep?.({ is: 'connected' })
      return await this.#become(ticket, channel, options, signal)
    } finally {
      this.#busy = false
    }
  }

  async #become(ticket: LinkTicket, channel: Channel, options: LinkOptions, signal: AbortSignal): Promise<LinkReport> {
    const { transport, keys, random, verifier } = this.#use
    const { host, seed, addresses } = ticket
    const { sealingKey, certificate } = keys.identity
    const { kind } = decodeCertificate(certificate)
    const machine = new LinkGuest({
      host,
      ticket: linkKey(seed),
      self: { device: transport.self, sealingKey, name: options.name, kind },
      nonce: random.bytes(NONCE_BYTES),
      consent: () => deviceProof(keys.identity.device, host),
      verifier,
    })
    const reception = new Reception({ ...this.#use, self: transport.self })
    const { outcome, cause, name } = await this.#dialogue.run({
      channel,
      framed: new FramedChannel(channel),
      machine,
      options,
      signal,
      perform: (effect) => {
        if (effect.do === 'keep') keys.prepareLink(effect.certificate)
        if (effect.do === 'collect') reception.collect(effect.message)
        if (effect.do === 'take') reception.take()
        if (effect.do === 'abandon') keys.abandon()
      },
    })
    this.#tell(host, 'new', outcome)
    if (outcome.is === 'failed') throw linkError(outcome, cause)
    for (const known of [{ peer: host, addresses }, ...reception.peers]) this.#learn(known)
    return { peer: host, name, principal: hexOf(keys.identity.principal), spaces: reception.spaces }
  }

  #begin(asked: AbortSignal | undefined): AbortSignal {
    if (this.#running === undefined) {
      throw new SyncError('ERR_SYNC_STOPPED', 'linking is not running', { fix: 'Start the node first.' })
    }
    if (this.#busy) throw linkBusy()
    this.#busy = true
    const { signal } = this.#running
    return asked === undefined ? signal : AbortSignal.any([signal, asked])
  }

  async #connect(ticket: LinkTicket, signal: AbortSignal): Promise<Channel> {
    const { transport, addressesOf } = this.#use
    const addresses = [...new Set([...ticket.addresses, ...addressesOf(ticket.host)])]
    try {
      await transport.dial(ticket.host, addresses, { signal })
      return await transport.open(ticket.host, LINK_PROTOCOL, { signal })
    } catch (cause) {
      signal.throwIfAborted()
      throw new SyncError('ERR_LINK_UNREACHABLE', `the other device cannot be reached: ${reasonOf(cause)}`, {
        cause,
        fix: 'Check that `plexus link` still waits there and that its machine can be reached from here; the ticket is still good.',
      })
    }
  }

  /** A crash came between the admission and the last word of the new device: it is a member if it comes as one. Never rejects. */
  async #settle(device: PeerId, signal: AbortSignal): Promise<void> {
    const { log } = this.#use
    const admission = new Admission({ device, name: '' }, this.#use)
    try {
      await admission.awaited(signal)
      admission.finished()
    } catch (cause) {
      if (signal.aborted) return
      log.warn({ peer: device, reason: reasonOf(cause) }, 'a linking that was cut short is taken back')
      await admission.withdraw().catch((error: unknown) => {
        log.error({ peer: device, reason: reasonOf(error) }, 'it could not be taken back: remove the device by hand')
      })
    }
  }

  #tell(peer: PeerId, side: 'old' | 'new', outcome: LinkOutcome): void {
    const word = outcome.is === 'linked' ? 'linked' : `${outcome.why} (${outcome.by})`
    this.events.emit('link:ended', { peer, side, outcome: word })
  }

  #learn(known: PeerAddresses): void {
    if (known.peer !== this.#use.transport.self && known.addresses.length > 0) this.events.emit('peer:addresses', known)
  }
}

function noKey(): SyncError {
  return new SyncError('ERR_LINK_NO_KEY', 'this device was linked itself: it cannot vouch for another', {
    fix: 'Run `plexus link` on the device on which you began.',
  })
}

function inSpaces(): SyncError {
  return new SyncError('ERR_LINK_IN_SPACES', 'this device is in spaces with others already', {
    fix: 'Leave them with `plexus space leave`, or link a new profile: `plexus --profile NAME link TICKET`.',
  })
}
