import { randomInt } from 'node:crypto'
import type { Connection, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { errnoOf } from '../../../base/index.ts'
import { reachOf, splitAddress } from '../../addresses.ts'
import { isPunchable } from './hole-punch.ts'

/** Dynamic ports (RFC 6335 section 6), of which each TCP connection that we open gets one. */
const FIRST_PORT = 49_152
const PORTS = 16_384
const TCP_TAG = '@libp2p/tcp'
/** What systems say of a port that one may not have. */
const PORT_REFUSED: readonly string[] = ['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES']

interface TransportManager {
  dial(address: Multiaddr, options: { readonly signal: AbortSignal }): Promise<Connection>
  getTransports(): Transport[]
}

export interface DialFromOptions {
  readonly localPort: number
  /** Whether we are the server of the handshake although it was us who dialled. */
  readonly asServer: boolean
  readonly signal: AbortSignal
}

/** Dials one address at a time; libp2p's own dialling tries all that it knows, one after the other. */
export class RawDials {
  readonly #transports: TransportManager
  readonly #upgrader: Upgrader
  readonly #localPorts = new WeakMap<Connection, number>()

  constructor(components: { readonly transportManager: TransportManager; readonly upgrader: Upgrader }) {
    this.#transports = components.transportManager
    this.#upgrader = components.upgrader
  }

  /**
   * From a port of our own choice where that may be of use: only such a port can be shared later with a second connection,
   * which hole punching needs.
   */
  async dial(address: Multiaddr, signal: AbortSignal): Promise<Connection> {
    const text = splitAddress(address.toString()).address
    if (!isPunchable(text) || reachOf(text) === 0) return await this.#transports.dial(address, { signal })
    const localPort = FIRST_PORT + randomInt(PORTS)
    const options = { signal, localPort }
    try {
      const connection = await this.#transports.dial(address, options)
      this.#localPorts.set(connection, localPort)
      return connection
    } catch (error) {
      if (!PORT_REFUSED.includes(errnoOf(error) ?? '')) throw error
      return await this.#transports.dial(address, { signal })
    }
  }

  /** The port from which a connection that we opened comes, if we chose it. */
  localPortOf(connection: Connection): number | undefined {
    return this.#localPorts.get(connection)
  }

  /** A TCP connection from a port that is in use by another connection of ours. */
  async dialFrom(address: Multiaddr, options: DialFromOptions): Promise<Connection> {
    const tcp = this.#transports.getTransports().find((transport) => transport[Symbol.toStringTag] === TCP_TAG)
    if (tcp === undefined) throw new Error('there is no TCP')
    const { localPort, asServer, signal } = options
    const dialling = { signal, localPort, upgrader: asServer ? asInbound(this.#upgrader) : this.#upgrader }
    return await tcp.dial(address, dialling)
  }
}

/** Makes what we dialled an inbound connection: we answer the handshake, and count streams as that side does. */
function asInbound(upgrader: Upgrader): Upgrader {
  const own = Object.create(upgrader) as Upgrader
  own.upgradeOutbound = (connection: MultiaddrConnection, options) =>
    upgrader.upgradeOutbound(Object.assign(connection, { direction: 'inbound' }), { ...options, initiator: false })
  return own
}
