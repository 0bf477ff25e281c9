import { multiaddr } from '@multiformats/multiaddr'
import { type Clock, delay, type Logger, reasonOf, withDeadline } from '../../../base/index.ts'
import { reachOf } from '../../addresses.ts'
import type { StreamChannel } from '../../channel.ts'
import { NetworkError } from '../../errors.ts'
import { MessageChannel } from '../../wire/message-channel.ts'
import { encodeProtobuf, ProtobufFields } from '../../wire/protobuf.ts'
import type { CarriedConnection } from './connection.ts'

export const DCUTR_PROTOCOL = '/libp2p/dcutr'
const MESSAGE_MAX_BYTES = 4096
const MESSAGE_TIMEOUT_MS = 5_000
/** How long both ends keep dialling each other. */
const PUNCH_MS = 5_000
/** One attempt: enough for the kernel to send its second SYN, should the first have come too early. */
const ATTEMPT_MS = 2_500
/** Between an attempt that was refused and the next. */
const PAUSE_MS = 200

const TYPE = { connect: 100, sync: 300 } as const
const PUNCHABLE = /^\/(ip[46])\/[^/]+\/tcp\/\d+$/

/** Where our connection to the relay comes from: the port here, and what the relay sees of it. */
export interface Source {
  readonly localPort: number
  /** `/ip4/.../tcp/...` */
  readonly observed: string
}

export interface HolePunchInit {
  /** `undefined` unless we opened the connection to that relay ourselves, over TCP. */
  readonly sourceFor: (relayed: CarriedConnection) => Source | undefined
  /** Dials from a given port; as the server of the handshake, so that of the two ends only one is. */
  readonly dial: (
    relayed: CarriedConnection,
    address: string,
    options: { readonly localPort: number; readonly asServer: boolean; readonly signal: AbortSignal },
  ) => Promise<CarriedConnection>
}

/**
 * Direct Connection Upgrade through Relay (libp2p specs, relay/DCUtR) for TCP. Both ends dial, at the same moment, where the
 * relay sees the other come from, each from the very port of its own connection to the relay. A router that keeps one outside
 * port for one inside port then takes the other's SYN for an answer, and TCP's simultaneous open (RFC 9293 section 3.5) does
 * the rest. The library's own service dials from any port, which no router lets in.
 */
export class HolePunch {
  readonly #init: HolePunchInit
  readonly #clock: Clock
  readonly #log: Logger

  constructor(init: HolePunchInit, components: { readonly clock: Clock; readonly log: Logger }) {
    this.#init = init
    this.#clock = components.clock
    this.#log = components.log
  }

  /** The part of the end that accepted the relayed connection: it begins. Rejects with a `NetworkError`. */
  async lead(relayed: CarriedConnection, signal: AbortSignal): Promise<CarriedConnection> {
    const source = this.#init.sourceFor(relayed)
    if (source === undefined) throw impossible('how others see us is not known')
    const channel = await relayed.openChannel(DCUTR_PROTOCOL, signal)
    try {
      const messages = new MessageChannel(channel, MESSAGE_MAX_BYTES)
      const askedAt = this.#clock.monotonic()
      await messages.send(
        encodeProtobuf([
          [1, TYPE.connect],
          [2, multiaddr(source.observed).bytes],
        ]),
        { signal },
      )
      const answer = await this.#read(messages, TYPE.connect, signal)
      const roundTripMs = this.#clock.monotonic() - askedAt
      const target = targetIn(answer, source)
      await messages.send(encodeProtobuf([[1, TYPE.sync]]), { signal })
      await delay(this.#clock, roundTripMs / 2, signal)
      return await this.#dialRepeatedly(relayed, target, { localPort: source.localPort, asServer: true, signal })
    } finally {
      channel.abort(impossible('the attempt is over'))
    }
  }

  /** The part of the end that opened the relayed connection. Never rejects. */
  async follow(channel: StreamChannel, relayed: CarriedConnection, signal: AbortSignal): Promise<void> {
    try {
      const messages = new MessageChannel(channel, MESSAGE_MAX_BYTES)
      const request = await this.#read(messages, TYPE.connect, signal)
      const source = this.#init.sourceFor(relayed)
      const observed = source === undefined ? undefined : multiaddr(source.observed).bytes
      await messages.send(
        encodeProtobuf([
          [1, TYPE.connect],
          [2, observed],
        ]),
        { signal },
      )
      if (source === undefined) throw impossible('how others see us is not known')
      const target = targetIn(request, source)
      await this.#read(messages, TYPE.sync, signal)
      await this.#dialRepeatedly(relayed, target, { localPort: source.localPort, asServer: false, signal })
    } catch (error) {
      this.#log.debug({ peer: relayed.link.peer, reason: reasonOf(error) }, 'no direct connection by dialling at once')
    } finally {
      channel.abort(impossible('the attempt is over'))
    }
  }

  async #dialRepeatedly(
    relayed: CarriedConnection,
    address: string,
    options: { readonly localPort: number; readonly asServer: boolean; readonly signal: AbortSignal },
  ): Promise<CarriedConnection> {
    const endsAt = this.#clock.monotonic() + PUNCH_MS
    let failure: unknown
    while (this.#clock.monotonic() < endsAt) {
      const attempt = new AbortController()
      using _timer = this.#clock.setTimer(ATTEMPT_MS, () => attempt.abort(impossible('no answer')))
      try {
        const signal = AbortSignal.any([options.signal, attempt.signal])
        return await this.#init.dial(relayed, address, { ...options, signal })
      } catch (error) {
        options.signal.throwIfAborted()
        failure = attempt.signal.aborted ? attempt.signal.reason : error
      }
      await delay(this.#clock, PAUSE_MS, options.signal)
    }
    throw failure instanceof NetworkError ? failure : impossible(reasonOf(failure))
  }

  async #read(messages: MessageChannel, type: number, signal: AbortSignal): Promise<ProtobufFields> {
    const what = 'the answer of the peer'
    const bytes = await withDeadline(messages.read({ signal }), {
      clock: this.#clock,
      timeoutMs: MESSAGE_TIMEOUT_MS,
      what,
      signal,
    })
    const fields = new ProtobufFields(bytes)
    if (fields.number(1) !== type)
      throw new NetworkError('ERR_MALFORMED_MESSAGE', 'the peer sent another message than was due')
    return fields
  }
}

/** Where to dial: the first address that we can reach from our source. */
function targetIn(message: ProtobufFields, source: Source): string {
  const [, family] = PUNCHABLE.exec(source.observed) ?? []
  for (const bytes of message.repeatedBytes(2)) {
    const address = addressIn(bytes)
    const fits = PUNCHABLE.exec(address)?.[1] === family && reachOf(address) >= Math.max(1, reachOf(source.observed))
    if (fits) return address
  }
  throw impossible('how others see the peer is not known')
}

/** Nothing punchable for bytes that are no address. */
function addressIn(bytes: Uint8Array): string {
  try {
    return multiaddr(bytes).toString()
  } catch {
    return ''
  }
}

export function isPunchable(address: string): boolean {
  return PUNCHABLE.test(address)
}

function impossible(reason: string): NetworkError {
  return new NetworkError('ERR_UNREACHABLE', reason)
}
