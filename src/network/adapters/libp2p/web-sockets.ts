import type { Server, Socket } from 'node:net'
import type { Listener, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'

/** From the TCP connection to the request, and from there to the end of its header. */
const REQUEST_TIMEOUT_MS = 5_000
const HEADER_MAX_BYTES = 8 * 1024
/** Our frames hold a TLS record or a noise message, which have at most 64 KiB. */
const FRAME_MAX_BYTES = 1024 * 1024
/** Sockets per listener, those included that have not said anything yet. */
const SOCKETS_MAX = 256

type WebSocketsFactory = ReturnType<typeof webSockets>

/**
 * The library's WebSocket transport, with what it lacks: a bound on frames (each is collected whole before anything is
 * decrypted), on sockets and on the time to a request; a `close` that does not wait for sockets that keep silent; a reset that
 * ends the connection (the library's own is refused by the WebSocket, and the connection stays); an ear for errors.
 */
export function boundedWebSockets(): WebSocketsFactory {
  return (components) => {
    const transport = webSockets({
      http: {
        headersTimeout: REQUEST_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: REQUEST_TIMEOUT_MS,
        maxHeaderSize: HEADER_MAX_BYTES,
      },
    })(components)
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    const withReset = (options: { readonly upgrader: Upgrader }): { readonly upgrader: Upgrader } => ({
      ...options,
      upgrader: resetting(options.upgrader),
    })
    const bounded: Pick<Transport, 'dial' | 'createListener'> = {
      dial: (address, options) => dial(address, { ...options, ...withReset(options) }),
      createListener: (options) => boundedListener(createListener({ ...options, ...withReset(options) })),
    }
    return Object.assign(transport, bounded)
  }
}

/** The parts of the library's listener that it keeps to itself. */
interface ListenerParts {
  readonly server: Server
  readonly wsServer: { readonly options: { maxPayload?: number } }
}

function boundedListener(listener: Listener): Listener {
  const { server, wsServer } = listener as unknown as ListenerParts
  wsServer.options.maxPayload = FRAME_MAX_BYTES
  server.maxConnections = SOCKETS_MAX
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // The WebSocket takes the timeout off again once it has begun.
    socket.setTimeout(REQUEST_TIMEOUT_MS, () => socket.destroy())
  })
  const close = listener.close.bind(listener)
  return Object.assign(listener, {
    close: async (): Promise<void> => {
      const closing = close()
      for (const socket of sockets) socket.destroy()
      await closing
    },
  })
}

function resetting(upgrader: Upgrader): Upgrader {
  const own = Object.create(upgrader) as Upgrader
  own.upgradeInbound = (connection, options) => upgrader.upgradeInbound(repaired(connection), options)
  own.upgradeOutbound = (connection, options) => upgrader.upgradeOutbound(repaired(connection), options)
  return own
}

function repaired(connection: MultiaddrConnection): MultiaddrConnection {
  const { websocket } = connection as unknown as { readonly websocket: WebSocket & { terminate?: () => void } }
  // Heard by nobody, the error of a malformed frame would end the process. The WebSocket closes itself after it.
  websocket.addEventListener('error', () => undefined)
  return Object.assign(connection, {
    sendReset: (): void => {
      if (websocket.terminate === undefined) websocket.close()
      else websocket.terminate()
    },
  })
}
