import {
  abortable,
  bytesEqual,
  type Clock,
  type ComponentStatus,
  Events,
  hexOf,
  type Logger,
  type PeerId,
  type Random,
  reasonOf,
  withDeadline,
} from '../../base/index.ts'
import { areWords, decodeCertificate, type KeyFile, type Verifier } from '../../identity/index.ts'
import type { Channel, Transport } from '../../network/index.ts'
import type { Journal } from '../../records/index.ts'
import { deviceProof, type Spaces } from '../../space/index.ts'
import { SyncError } from '../errors.ts'
import { FramedChannel } from '../join/framed-channel.ts'
import type { PeerAddresses } from '../join/join-wire.ts'
import { Conversation, LINK_STEP_TIMEOUT_MS, type LinkMachine } from './conversation.ts'
import { Admission } from './link-admission.ts'
import { linkBusy, linkError, noLinking } from './link-errors.ts'
import { LinkGuest } from './link-guest.ts'
import { type LinkEffect, LinkHost, type LinkOutcome } from './link-host.ts'
import { formatLinkTicket, LINK_SEED_BYTES, type LinkTicket, linkKey, parseLinkTicket } from './link-ticket.ts'
import {
  decodeLinkMessage,
  encodeLinkMessage,
  LINK_FRAME_MAX_BYTES,
  LINK_PROTOCOL,
  type LinkHello,
} from './link-wire.ts'
import { Reception } from './reception.ts'
import { holdsTicket, NONCE_BYTES } from './transcript.ts'
import type { Linking, LinkingEvents, LinkOfferOptions, LinkOptions, LinkReport, LinkStep } from './types.ts'

export const LINK_TICKET_TTL_MS = 600_000
/** Streams of one peer, and of all, while a ticket is open. */
export const LINK_STREAMS_PER_PEER = 1
export const LINK_STREAMS_MAX = 8

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

interface Offer {
  readonly ticket: LinkTicket
  readonly key: Uint8Array
  readonly options: LinkOfferOptions
  readonly signal: AbortSignal
  readonly result: PromiseWithResolvers<LinkReport>
  taken: boolean
}

/** What is shown, and to whom we talk. */
interface Showing {
  readonly conversation: Conversation
  readonly peer: PeerId
  readonly options: LinkOptions
  words: readonly string[] | undefined
}

export function createLinking(): (components: LinkingComponents) => Linking {
  return (components) => new DeviceLinking(components)
}

class DeviceLinking implements Linking {
  readonly name = 'linking'
  readonly events: Events<LinkingEvents>
  readonly #use: LinkingComponents
  #busy = false
  #showing: Showing | undefined
  #streams = 0
  #running: AbortController | undefined
  #since: number

  constructor(components: LinkingComponents) {
    this.#use = { ...components, log: components.log.child({ module: 'link' }) }
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
    return this.#showing?.peer === peer
  }

  async offer(options: LinkOfferOptions): Promise<LinkReport> {
    const { keys, transport, random, clock } = this.#use
    if (keys.identity.certify === undefined) throw noKey()
    const signal = this.#begin(options.signal)
    try {
      const seed = random.bytes(LINK_SEED_BYTES)
      const { ttlMs = LINK_TICKET_TTL_MS, addresses } = options
      const ticket: LinkTicket = { host: transport.self, seed, addresses, expires: Math.floor(clock.now()) + ttlMs }
      const result = Promise.withResolvers<LinkReport>()
      const offer = { ticket, key: linkKey(seed).publicKey, options, signal, result, taken: false }
      const late = (): void => {
        if (!offer.taken)
          result.reject(linkError({ is: 'failed', why: 'late', by: 'us' }, new Error('nobody used the ticket')))
      }
      using _expiry = clock.setTimer(ttlMs, late, { keepAlive: true })
      using _handler = transport.handle(LINK_PROTOCOL, { maxInboundStreams: LINK_STREAMS_PER_PEER }, (channel) =>
        this.#answer(channel, offer),
      )
      options.onStep?.({ is: 'ticket', ticket: formatLinkTicket(ticket), expires: ticket.expires })
      return await abortable(result.promise, signal, () => this.refuse())
    } finally {
      this.#busy = false
    }
  }

  async link(text: string, options: LinkOptions): Promise<LinkReport> {
    const { clock, transport, spaces, keys, verifier, random } = this.#use
    const ticket = parseLinkTicket(text, clock.now())
    if (spaces.list().some(({ self, members }) => self !== undefined && members.length > 1)) throw inSpaces()
    const signal = this.#begin(options.signal)
    try {
      const channel = await this.#connect(ticket, signal)
      options.onStep?.({ is: 'connected' })
      const { sealingKey, certificate } = keys.identity
      const { kind } = decodeCertificate(certificate)
      const machine = new LinkGuest({
        host: ticket.host,
        ticket: linkKey(ticket.seed),
        self: { device: transport.self, sealingKey, name: options.name, kind },
        nonce: random.bytes(NONCE_BYTES),
        consent: () => deviceProof(keys.identity.device, ticket.host),
        verifier,
      })
      const reception = new Reception({ ...this.#use, self: transport.self })
      const outcome = await this.#converse(channel, new FramedChannel(channel), machine, options, signal, (effect) => {
        if (effect.do === 'keep') keys.prepareLink(effect.certificate)
        if (effect.do === 'collect') reception.collect(effect.message)
        if (effect.do === 'take') reception.take()
        if (effect.do === 'abandon') keys.abandon()
      })
      this.events.emit('link:ended', { peer: ticket.host, side: 'new', outcome: wordOf(outcome.outcome) })
      if (outcome.outcome.is === 'failed') throw linkError(outcome.outcome, outcome.cause)
      for (const known of [{ peer: ticket.host, addresses: ticket.addresses }, ...reception.peers]) this.#learn(known)
      const { principal } = keys.identity
      return { peer: ticket.host, name: outcome.name, principal: hexOf(principal), spaces: reception.spaces }
    } finally {
      this.#busy = false
    }
  }

  confirm(words: string): void {
    const showing = this.#showing
    if (showing?.words === undefined) throw noLinking()
    if (areWords(showing.words, words)) {
      showing.conversation.on({ is: 'confirmed' })
      showing.options.onStep?.({ is: 'confirmed', by: 'us' })
      return
    }
    showing.conversation.on({ is: 'stopped', why: 'words' })
    throw linkError({ is: 'failed', why: 'words', by: 'us' })
  }

  refuse(): void {
    this.#showing?.conversation.on({ is: 'stopped', why: 'refused' })
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

  /** A stream of somebody who may hold the ticket: who proves it takes it, and all others are turned away. */
  async #answer(channel: Channel, offer: Offer): Promise<void> {
    const framed = new FramedChannel(channel)
    try {
      if (this.#streams >= LINK_STREAMS_MAX) throw new SyncError('ERR_LINK_BUSY', 'too many ask to be linked')
      this.#streams++
      const hello = await this.#hello(channel, framed, offer.signal)
      const { verifier, transport, clock } = this.#use
      const holds =
        hello?.device === channel.peer &&
        bytesEqual(hello.ticket, offer.key) &&
        holdsTicket(verifier, transport.self, hello)
      if (!holds || offer.taken || clock.now() > offer.ticket.expires) {
        await framed.send(encodeLinkMessage({ is: 'refused', why: 'ticket' }), { signal: offer.signal })
        return await channel.close()
      }
      offer.taken = true
      await this.#host(channel, framed, hello, offer)
    } catch (error) {
      this.#use.log.debug({ peer: channel.peer, reason: reasonOf(error) }, 'a link request was not answered')
      channel.abort(error instanceof Error ? error : new Error(reasonOf(error)))
    } finally {
      this.#streams--
    }
  }

  async #hello(channel: Channel, framed: FramedChannel, signal: AbortSignal): Promise<LinkHello | undefined> {
    const { clock } = this.#use
    const reading = framed.read(LINK_FRAME_MAX_BYTES, { signal })
    const what = `the link request of ${channel.peer}`
    const message = decodeLinkMessage(
      await withDeadline(reading, { clock, timeoutMs: LINK_STEP_TIMEOUT_MS, what, signal }),
    )
    return message.is === 'hello' ? message : undefined
  }

  async #host(channel: Channel, framed: FramedChannel, hello: LinkHello, offer: Offer): Promise<void> {
    const { transport, keys, random } = this.#use
    const { principal, certify } = keys.identity
    if (certify === undefined) throw noKey()
    const own = { principal, name: offer.options.name, nonce: random.bytes(NONCE_BYTES) }
    const machine = new LinkHost({ self: transport.self, offer: own, hello, certify })
    const admission = new Admission(hello, this.#use)
    const { outcome, cause } = await this.#converse(
      channel,
      framed,
      machine,
      offer.options,
      offer.signal,
      async (effect, signal) => {
        if (effect.do === 'admit') await admission.admit(effect)
        if (effect.do === 'deliver') await admission.deliver(framed, signal)
        if (effect.do === 'await') await admission.awaited(signal)
        if (effect.do === 'withdraw') await admission.withdraw()
      },
    )
    this.events.emit('link:ended', { peer: channel.peer, side: 'old', outcome: wordOf(outcome) })
    if (outcome.is === 'failed') return offer.result.reject(linkError(outcome, cause))
    admission.finished()
    offer.result.resolve({
      peer: channel.peer,
      name: hello.name,
      principal: hexOf(principal),
      spaces: admission.spaces,
    })
  }

  /** Runs one side to its end; shows what people must see, and lets them speak. */
  async #converse(
    channel: Channel,
    framed: FramedChannel,
    machine: LinkMachine,
    options: LinkOptions,
    signal: AbortSignal,
    perform: (effect: LinkEffect, signal: AbortSignal) => void | Promise<void>,
  ): Promise<{ readonly outcome: LinkOutcome; readonly cause: unknown; readonly name: string }> {
    let name = ''
    const { clock, log } = this.#use
    const show = (step: LinkStep): void => options.onStep?.(step)
    const conversation = new Conversation({
      channel,
      framed,
      machine,
      clock,
      log,
      perform: (effect) => {
        if (effect.do === 'heard') return show({ is: 'confirmed', by: 'them' })
        if (effect.do !== 'show') return perform(effect, conversation.signal)
        showing.words = effect.words
        name = effect.name
        show({ is: 'words', words: effect.words, peer: channel.peer, name })
      },
    })
    const showing: Showing = { conversation, peer: channel.peer, options, words: undefined }
    this.#showing = showing
    const onAbort = (): void => conversation.on({ is: 'stopped', why: 'refused' })
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return { outcome: await conversation.run(), cause: conversation.cause, name }
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#showing = undefined
    }
  }

  /** A crash came between the admission and the last word of the new device: it is a member if it comes as one. */
  async #settle(device: PeerId, signal: AbortSignal): Promise<void> {
    const admission = new Admission({ device, name: '' }, this.#use)
    try {
      await admission.awaited(signal)
      admission.finished()
    } catch (error) {
      if (signal.aborted) return
      this.#use.log.warn({ peer: device, reason: reasonOf(error) }, 'a linking that was cut short is taken back')
      await admission.withdraw()
    }
  }

  #learn(known: PeerAddresses): void {
    if (known.peer !== this.#use.transport.self && known.addresses.length > 0) this.events.emit('peer:addresses', known)
  }
}

function wordOf(outcome: LinkOutcome): string {
  return outcome.is === 'linked' ? 'linked' : `${outcome.why} (${outcome.by})`
}

function noKey(): SyncError {
  return new SyncError('ERR_LINK_NO_KEY', 'this device was linked itself: it cannot vouch for another', {
    fix: 'Run `plexus link` on the device on which you began.',
  })
}

function inSpaces(): SyncError {
  return new SyncError('ERR_LINK_IN_SPACES', 'this device is in spaces with others, as somebody of its own', {
    fix: 'Leave them with `plexus space leave`, or link a new profile: `plexus --profile NAME link TICKET`.',
  })
}
