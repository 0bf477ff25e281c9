import type { Connection as Libp2pConnection, Stream } from '@libp2p/interface'
import { abortable, type Clock, type Logger, type PeerId, reasonOf } from '../../../base/index.ts'
import { relayOf, splitAddress } from '../../addresses.ts'
import { type Connection, relayedReason } from '../../carrier.ts'
import { StreamChannel } from '../../channel.ts'
import { NetworkError } from '../../errors.ts'
import type { Link } from '../../transport.ts'
import { thrownError } from './dial-errors.ts'
import { StreamWire } from './stream-wire.ts'

/** Streams of one protocol that we hold open on one connection. */
const OUTBOUND_STREAMS_PER_PROTOCOL = 16
/** How long a connection may take to say goodbye. */
const CLOSE_TIMEOUT_MS = 1_000

const ENCRYPTION_NAMES: Readonly<Record<string, string>> = { '/tls/1.0.0': 'tls', '/noise': 'noise' }

export class CarriedConnection implements Connection {
  readonly link: Link
  readonly raw: Libp2pConnection
  readonly #clock: Clock
  readonly #log: Logger
  readonly #channels = new Set<StreamChannel>()

  constructor(raw: Libp2pConnection, components: { readonly clock: Clock; readonly log: Logger }) {
    this.raw = raw
    this.#clock = components.clock
    this.#log = components.log
    const encryption = raw.encryption ?? 'none'
    const { address } = splitAddress(raw.remoteAddr.toString())
    const relay = relayOf(address)
    this.link = {
      // The gater lets only Ed25519 peers in, and those have this form.
      peer: raw.remotePeer.toString() as PeerId,
      kind: relay === undefined ? 'direct' : 'relayed',
      direction: raw.direction,
      address,
      encryption: ENCRYPTION_NAMES[encryption] ?? encryption,
      since: components.clock.now(),
      ...(relay === undefined ? {} : { via: relay.peer, reason: relayedReason(relay.peer) }),
    }
  }

  get channels(): number {
    return this.#channels.size
  }

  async openChannel(protocol: string, signal: AbortSignal): Promise<StreamChannel> {
    try {
      const stream = await this.raw.newStream(protocol, {
        signal,
        maxOutboundStreams: OUTBOUND_STREAMS_PER_PROTOCOL,
        runOnLimitedConnection: true,
      })
      return this.adopt(stream, 'outbound')
    } catch (error) {
      signal.throwIfAborted()
      throw openError(error, protocol)
    }
  }

  adopt(stream: Stream, direction: 'inbound' | 'outbound'): StreamChannel {
    const wire = new StreamWire(stream, this.#log)
    const init = { peer: this.link.peer, protocol: stream.protocol, direction, wire }
    const channel = new StreamChannel(init, { clock: this.#clock })
    this.#channels.add(channel)
    channel.closed.then(() => this.#channels.delete(channel), undefined)
    wire.attach(channel)
    return channel
  }

  /** Resets first: a channel that is only cut off must not look complete to the peer. */
  async close(reason: string): Promise<void> {
    const failure = new NetworkError('ERR_CHANNEL_CLOSED', reason)
    for (const channel of this.#channels) channel.abort(failure)
    const signal = AbortSignal.timeout(CLOSE_TIMEOUT_MS)
    try {
      await abortable(this.raw.close({ signal }), signal)
    } catch (error) {
      this.#log.debug({ peer: this.link.peer, reason: reasonOf(error) }, 'a connection did not close in time')
      this.raw.abort(failure)
    }
  }
}

function openError(thrown: unknown, protocol: string): NetworkError {
  const error = thrownError(thrown)
  const name = error instanceof Error ? error.name : ''
  if (name === 'UnsupportedProtocolError') {
    return new NetworkError('ERR_PROTOCOL_UNSUPPORTED', `the peer does not speak ${protocol}`, { cause: error })
  }
  if (name === 'TooManyOutboundProtocolStreamsError') {
    return new NetworkError('ERR_OVERLOADED', `too many streams of ${protocol} are open`, { cause: error })
  }
  const message = `the connection was lost while a stream of ${protocol} was opened: ${reasonOf(error)}`
  return new NetworkError('ERR_NOT_CONNECTED', message, { cause: error })
}
