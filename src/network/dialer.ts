import { abortable, type Clock, type PeerId, reasonOf, shortPeerId, type Timer } from '../base/index.ts'
import { dialableAddresses, isRelayed } from './addresses.ts'
import { type AddressFailure, NetworkError } from './errors.ts'
import type { DialOptions } from './transport.ts'

export const DIAL_TIMEOUT_MS = 10_000
/** Share of one address in the dial, so that a silent one does not use up the time of the others. */
export const ADDRESS_TIMEOUT_MS = 5_000
/** Head start of each address over the next; one that fails passes its turn on at once (RFC 8305, happy eyeballs). */
export const DIAL_STAGGER_MS = 250
/** Head start of the direct addresses over the first that leads through a relay, while one of them still runs. */
export const RELAY_STAGGER_MS = 1_000
export const PARALLEL_DIALS = 20
export const QUEUED_DIALS = 100

export interface DialerInit<Connection> {
  /** Rejects with a `NetworkError` whose message is the reason, in a few words. */
  readonly attempt: (peer: PeerId, address: string, signal: AbortSignal) => Promise<Connection>
  /** Takes care of a connection that came up after another had won. */
  readonly discard: (connection: Connection) => void
}

interface Job<Connection> {
  readonly result: Promise<Connection>
  readonly abort: AbortController
  waiters: number
}

/** Turns "this peer, at one of these addresses" into one connection, within bounds of time and number. */
export class Dialer<Connection> {
  readonly #init: DialerInit<Connection>
  readonly #clock: Clock
  readonly #jobs = new Map<string, Job<Connection>>()
  readonly #queue: (() => void)[] = []
  #running = 0

  constructor(init: DialerInit<Connection>, components: { readonly clock: Clock }) {
    this.#init = init
    this.#clock = components.clock
  }

  /** Dials under way or waiting. */
  get size(): number {
    return this.#jobs.size
  }

  /** Joins a dial to the same peer, and of the same kind, that is under way; the addresses of the first caller count. */
  async dial(peer: PeerId, texts: readonly string[], options: DialOptions = {}): Promise<Connection> {
    const { signal, direct = false, anew = false } = options
    signal?.throwIfAborted()
    const addresses = dialableAddresses(peer, texts).filter((address) => !direct || !isRelayed(address))
    const key = anew ? `${peer} ${addresses.join()}` : direct ? `${peer} direct` : peer
    const job = this.#jobs.get(key) ?? this.#begin(key, peer, addresses)
    job.waiters++
    try {
      return await abortable(job.result, signal)
    } finally {
      if (--job.waiters === 0) this.#drop(key, job, 'nobody waits for this dial any more')
    }
  }

  /** Ends all dials, those that wait too. */
  stop(reason: string): void {
    for (const [key, job] of this.#jobs) this.#drop(key, job, reason)
  }

  #begin(key: string, peer: PeerId, addresses: readonly string[]): Job<Connection> {
    if (this.#jobs.size >= PARALLEL_DIALS + QUEUED_DIALS) {
      throw new NetworkError('ERR_OVERLOADED', `${this.#jobs.size} dials are under way`, { fix: 'Try again later.' })
    }
    if (addresses.length === 0) throw dialFailure(peer, [])
    const abort = new AbortController()
    const result = this.#run(peer, addresses, abort.signal)
    // Each waiter hears of a failure itself; without one there is nobody to tell.
    result.catch(() => undefined)
    const job: Job<Connection> = { result, abort, waiters: 0 }
    this.#jobs.set(key, job)
    return job
  }

  #drop(key: string, job: Job<Connection>, reason: string): void {
    if (this.#jobs.get(key) === job) this.#jobs.delete(key)
    job.abort.abort(new NetworkError('ERR_UNREACHABLE', reason))
  }

  async #run(peer: PeerId, addresses: readonly string[], signal: AbortSignal): Promise<Connection> {
    await this.#turn(signal)
    try {
      return await new Race(this.#init, { peer, addresses, clock: this.#clock }).run(signal)
    } finally {
      this.#passTurn()
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#running < PARALLEL_DIALS) return void this.#running++
    const turn = Promise.withResolvers<void>()
    this.#queue.push(turn.resolve)
    await abortable(turn.promise, signal, () => {
      const index = this.#queue.indexOf(turn.resolve)
      if (index === -1) this.#passTurn()
      else this.#queue.splice(index, 1)
    })
  }

  /** The turn goes to the next in the queue, who counts as running from then on. */
  #passTurn(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#running--
    else next()
  }
}

/** One dial: the addresses start one after the other, the first connection wins. */
class Race<Connection> {
  readonly #init: DialerInit<Connection>
  readonly #peer: PeerId
  readonly #clock: Clock
  readonly #untried: string[]
  readonly #failures: AddressFailure[] = []
  readonly #result = Promise.withResolvers<Connection>()
  readonly #over = new AbortController()
  readonly #running = new Set<string>()
  #stagger: Timer | undefined

  constructor(
    init: DialerInit<Connection>,
    of: { readonly peer: PeerId; readonly addresses: readonly string[]; readonly clock: Clock },
  ) {
    this.#init = init
    this.#peer = of.peer
    this.#untried = [...of.addresses]
    this.#clock = of.clock
  }

  async run(signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted()
    using _deadline = this.#clock.setTimer(DIAL_TIMEOUT_MS, () => {
      const message = `peer ${shortPeerId(this.#peer)} did not answer within ${DIAL_TIMEOUT_MS} ms`
      this.#fail(new NetworkError('ERR_TIMEOUT', message, { failures: this.#failures }))
    })
    this.#next()
    try {
      return await abortable(this.#result.promise, signal, () => this.#over.abort())
    } finally {
      this.#stagger?.cancel()
    }
  }

  #next(): void {
    const address = this.#untried.shift()
    if (address === undefined) return
    this.#running.add(address)
    this.#stagger?.cancel()
    const staggerMs = this.#relayWaits() ? RELAY_STAGGER_MS : DIAL_STAGGER_MS
    this.#stagger = this.#clock.setTimer(staggerMs, () => this.#next())
    const attempt = new AbortController()
    const timer = this.#clock.setTimer(ADDRESS_TIMEOUT_MS, () => {
      attempt.abort(new NetworkError('ERR_TIMEOUT', `no answer within ${ADDRESS_TIMEOUT_MS} ms`))
    })
    const signal = AbortSignal.any([this.#over.signal, attempt.signal])
    const connecting = this.#init.attempt(this.#peer, address, signal)
    connecting.then(
      (connection) => this.#won(connection),
      () => undefined,
    )
    abortable(connecting, signal)
      .catch((error: unknown) => this.#lost(address, error))
      .finally(() => timer.cancel())
  }

  #won(connection: Connection): void {
    if (this.#over.signal.aborted) {
      this.#init.discard(connection)
      return
    }
    this.#over.abort()
    this.#result.resolve(connection)
  }

  #lost(address: string, error: unknown): void {
    if (this.#over.signal.aborted) return
    this.#running.delete(address)
    this.#failures.push(addressFailure(address, error))
    if (this.#untried.length > 0 && !this.#relayWaits()) this.#next()
    else if (this.#running.size === 0) this.#fail(dialFailure(this.#peer, this.#failures))
  }

  /** Whether what comes next is a relay and a direct address may still win. */
  #relayWaits(): boolean {
    const [next] = this.#untried
    return next !== undefined && isRelayed(next) && [...this.#running].some((address) => !isRelayed(address))
  }

  /** From here on a connection that still comes up is discarded. */
  #fail(error: NetworkError): void {
    this.#over.abort()
    this.#result.reject(error)
  }
}

function addressFailure(address: string, error: unknown): AddressFailure {
  const known = error instanceof NetworkError && (error.code === 'ERR_TIMEOUT' || error.code === 'ERR_WRONG_PEER')
  const code = known ? (error.code as 'ERR_TIMEOUT' | 'ERR_WRONG_PEER') : 'ERR_UNREACHABLE'
  return { address, code, reason: error instanceof NetworkError ? error.message : reasonOf(error) }
}

function dialFailure(peer: PeerId, failures: readonly AddressFailure[]): NetworkError {
  const name = `peer ${shortPeerId(peer)}`
  if (failures.length === 0) {
    return new NetworkError('ERR_UNREACHABLE', `no usable address of ${name} is known`, {
      fix: 'Ask its owner for a new invitation, or give an address by hand.',
    })
  }
  const detail = failures.map(({ address, reason }) => `${address}: ${reason}`).join('; ')
  if (failures.some(({ code }) => code === 'ERR_WRONG_PEER')) {
    return new NetworkError('ERR_WRONG_PEER', `another peer answers in place of ${name} (${detail})`, {
      failures,
      fix: 'The address belongs to another peer now: ask for a new invitation or address.',
    })
  }
  const silent = failures.every(({ code }) => code === 'ERR_TIMEOUT')
  return new NetworkError(silent ? 'ERR_TIMEOUT' : 'ERR_UNREACHABLE', `${name} cannot be reached (${detail})`, {
    failures,
    fix: 'Check that the peer is running and that no firewall stands between.',
  })
}
