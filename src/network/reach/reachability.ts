import {
  type Clock,
  type Component,
  type ComponentStatus,
  type Logger,
  type PeerId,
  type Random,
  randomInt,
  reasonOf,
  shortPeerId,
  type Timer,
  withDeadline,
} from '../../base/index.ts'
import { reachOf, splitAddress } from '../addresses.ts'
import { DIAL_TIMEOUT_MS } from '../dialer.ts'
import { NetworkError } from '../errors.ts'
import type { Transport } from '../transport.ts'
import { MessageChannel } from '../wire/message-channel.ts'
import {
  DIAL_BACK_MESSAGE_MAX_BYTES,
  DIAL_BACK_PROTOCOL,
  type DialBackAnswer,
  decodeDialBackAnswer,
  encodeDialBackRequest,
  hostAndLayer,
  LAYERS_MAX,
} from './dial-back-messages.ts'

/** Members asked in one round. */
const ASKED_MAX = 3
/** From news of links or addresses to the round that looks what they change. */
const SETTLE_MS = 2_000
export const REACH_RECHECK_MS: number = 15 * 60 * 1000
/** News does not make us ask whether we are still reached from anywhere before so much time has passed. */
export const REACH_FRESH_MS = 60_000
const ANSWER_TIMEOUT_MS: number = DIAL_TIMEOUT_MS + 5_000

/**
 * From where others can connect to us: `anywhere` at a public address, from the local `network`, from `nowhere`, or `unknown` as long
 * as no member has tried.
 */
export type ReachFrom = 'anywhere' | 'network' | 'nowhere' | 'unknown'

export interface Reach {
  readonly from: ReachFrom
  /** Wall clock, milliseconds since 1970. */
  readonly since: number
  /** Where members reached us. */
  readonly addresses: readonly string[]
  /** Why not from anywhere. */
  readonly reason?: string
  readonly fix?: string
}

export interface ReachabilityInit {
  /** Whom we ask, and believe. */
  readonly mayAsk: (peer: PeerId) => boolean
  /** `reach()` has changed. */
  readonly onChange: () => void
}

export interface ReachabilityComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** Finds out whether others can reach us: asks members to dial us back, from time to time and whenever something has changed. */
export class Reachability implements Component {
  readonly name = 'reach'
  readonly #init: ReachabilityInit
  readonly #use: ReachabilityComponents
  #reach: Reach
  #running: AbortController | undefined
  #subscriptions: DisposableStack | undefined
  #timer: Timer | undefined
  #dueAt = Number.POSITIVE_INFINITY
  /** When we last asked, monotonic, and where we listened then. */
  #askedAt = Number.NEGATIVE_INFINITY
  #asked = ''
  #since: number

  constructor(init: ReachabilityInit, components: ReachabilityComponents) {
    this.#init = init
    this.#use = components
    this.#since = components.clock.now()
    this.#reach = unknown(this.#since)
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    this.#running = new AbortController()
    this.#since = this.#use.clock.now()
    const { events } = this.#use.transport
    const subscriptions = new DisposableStack()
    this.#subscriptions = subscriptions
    subscriptions.use(events.on('peer:connect', ({ peer }) => this.#onNews(peer)))
    subscriptions.use(events.on('link:changed', ({ link }) => this.#onNews(link.peer)))
    subscriptions.use(
      events.on('self:addresses', () => this.#layers().join() !== this.#asked && this.#askIn(SETTLE_MS)),
    )
    this.#askIn(SETTLE_MS)
  }

  async stop(): Promise<void> {
    this.#running?.abort(new NetworkError('ERR_CHANNEL_CLOSED', 'nobody asks any more'))
    this.#running = undefined
    this.#timer?.cancel()
    this.#dueAt = Number.POSITIVE_INFINITY
    this.#subscriptions?.dispose()
    this.#subscriptions = undefined
    this.#since = this.#use.clock.now()
    this.#reach = unknown(this.#since)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    const { from } = this.#reach
    const figures = { anywhere: Number(from === 'anywhere'), nowhere: Number(from === 'nowhere') }
    return { state: this.#running === undefined ? 'stopped' : 'ok', since: this.#since, figures }
  }

  reach(): Reach {
    return this.#reach
  }

  /** Somebody else may see us from elsewhere, or we are elsewhere. To be called too when `mayAsk` has changed its mind. */
  reconsider(): void {
    const isFresh = this.#use.clock.monotonic() - this.#askedAt < REACH_FRESH_MS
    if (this.#reach.from !== 'anywhere' || !isFresh) this.#askIn(SETTLE_MS)
  }

  #onNews(peer: PeerId): void {
    if (this.#init.mayAsk(peer)) this.reconsider()
  }

  #askIn(ms: number): void {
    if (this.#running === undefined) return
    const { clock, log } = this.#use
    const dueAt = clock.monotonic() + ms
    if (dueAt >= this.#dueAt) return
    const { signal } = this.#running
    this.#dueAt = dueAt
    this.#timer?.cancel()
    this.#timer = clock.setTimer(ms, () => {
      this.#dueAt = Number.POSITIVE_INFINITY
      this.#round(signal)
        .catch((error: unknown) => log.debug({ reason: reasonOf(error) }, 'reachability was not found out'))
        .finally(() => this.#askIn(REACH_RECHECK_MS))
    })
  }

  async #round(signal: AbortSignal): Promise<void> {
    const layers = this.#layers()
    const hasMoved = layers.join() !== this.#asked
    this.#asked = layers.join()
    this.#askedAt = this.#use.clock.monotonic()
    if (layers.length === 0) {
      this.#conclude({ from: 'nowhere', addresses: [], reason: 'this peer listens nowhere', fix: LISTEN })
      return
    }
    const answers = await Promise.all(this.#askable().map((peer) => this.#ask(peer, layers, signal)))
    if (signal.aborted) return
    const heard = answers.filter((answer) => answer !== undefined)
    if (heard.length > 0) this.#conclude(verdictOf(heard))
    else if (hasMoved) this.#conclude(unknown(0))
  }

  /** What follows the host in each address that we listen at. */
  #layers(): readonly string[] {
    const found = new Set<string>()
    for (const address of this.#use.transport.addresses()) {
      const layer = hostAndLayer(splitAddress(address).address)?.layer
      if (layer !== undefined) found.add(layer)
    }
    return [...found].sort().slice(0, LAYERS_MAX)
  }

  /** A few members at random. */
  #askable(): readonly PeerId[] {
    const { transport, random } = this.#use
    const peers = transport
      .links()
      .flatMap(({ peer, kind }) => (kind === 'direct' && this.#init.mayAsk(peer) ? [peer] : []))
    const chosen: PeerId[] = []
    while (chosen.length < ASKED_MAX && peers.length > 0)
      chosen.push(...peers.splice(randomInt(random, peers.length), 1))
    return chosen
  }

  /** `undefined` when it does not answer, or does not want to. */
  async #ask(peer: PeerId, layers: readonly string[], signal: AbortSignal): Promise<DialBackAnswer | undefined> {
    const { transport, clock, log } = this.#use
    try {
      await using channel = await transport.open(peer, DIAL_BACK_PROTOCOL, { signal })
      const messages = new MessageChannel(channel, DIAL_BACK_MESSAGE_MAX_BYTES)
      await messages.send(encodeDialBackRequest(layers), { signal })
      const work = messages.read({ signal })
      const what = 'being dialled back'
      return decodeDialBackAnswer(await withDeadline(work, { clock, timeoutMs: ANSWER_TIMEOUT_MS, what, signal }))
    } catch (error) {
      log.debug({ peer: shortPeerId(peer), reason: reasonOf(error) }, 'a peer did not dial back')
      return undefined
    }
  }

  #conclude(verdict: Omit<Reach, 'since'>): void {
    const { from, addresses } = this.#reach
    const isSame = from === verdict.from && addresses.join() === verdict.addresses.join()
    this.#reach = { ...verdict, since: isSame ? this.#reach.since : this.#use.clock.now() }
    if (!isSame) this.#init.onChange()
  }
}

export function reachability(init: ReachabilityInit): (components: ReachabilityComponents) => Reachability {
  return (components) => new Reachability(init, components)
}

const LISTEN = 'Start with `plexus up --listen /ip4/0.0.0.0/tcp/0`.'

function unknown(since: number): Reach {
  return {
    from: 'unknown',
    since,
    addresses: [],
    reason: 'no member has tried to connect to us yet',
    fix: 'Nothing to do: the first member that is connected is asked.',
  }
}

/** The widest that anybody found. */
function verdictOf(answers: readonly DialBackAnswer[]): Omit<Reach, 'since'> {
  const tried = answers.flatMap(({ host, tried }) =>
    tried.map(({ layer, reason }) => ({ address: host + layer, reason })),
  )
  const addresses = [...new Set(tried.filter(({ reason }) => reason === '').map(({ address }) => address))].sort()
  if (addresses.some((address) => reachOf(address) === 2)) return { from: 'anywhere', addresses }
  const failed =
    tried.find(({ address, reason }) => reason !== '' && reachOf(address) === 2) ??
    tried.find(({ reason }) => reason !== '')
  const reason =
    failed === undefined
      ? 'nobody outside this network has tried'
      : `a member dialled ${failed.address}: ${failed.reason}`
  return { from: addresses.length > 0 ? 'network' : 'nowhere', addresses, reason, fix: forward(failed?.address) }
}

function forward(address: string | undefined): string {
  const port = /\/tcp\/(\d+)/.exec(address ?? '')?.[1]
  const way = port === undefined ? 'Connect to a member elsewhere' : `Let TCP port ${port} through to this machine`
  return `${way}, or ask a member whom the others reach to relay: \`plexus up --relay\`.`
}
