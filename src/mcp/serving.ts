import type { Duplex } from 'node:stream'
import type { JSONRPCMessage } from '@modelcontextprotocol/server'
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio'
import { reasonOf, systemRandom } from '../base/index.ts'
import { type HttpFace, listenHttp } from './adapters/http.ts'
import { type McpFace, type McpFaceComponents, MESSAGE_MAX_BYTES, STREAMS_MAX, UNREAD_MAX_BYTES } from './face.ts'
import { serverFactory } from './server.ts'

/**
 * The SDK's framing over a socket. A transport that closes, for whatever reason, hangs up: a client must not wait in vain.
 * A client that asks and does not read the answers is not listened to until it does.
 */
class SocketTransport extends StdioServerTransport {
  readonly #stream: Duplex

  constructor(stream: Duplex) {
    super(stream, stream, { maxBufferSize: MESSAGE_MAX_BYTES })
    this.#stream = stream
    stream.on('drain', () => stream.resume())
  }

  override send(message: JSONRPCMessage): Promise<void> {
    const sent = super.send(message)
    if (this.#stream.writableLength > UNREAD_MAX_BYTES) this.#stream.pause()
    return sent
  }

  override async close(): Promise<void> {
    await super.close()
    // What was answered still leaves.
    this.#stream.end(() => this.#stream.destroy())
  }
}

export function serving(components: McpFaceComponents): McpFace {
  const { node, log } = components
  const factory = serverFactory({ node, random: systemRandom(), version: node.status().version })
  const open = new Map<Duplex, { close(): Promise<void> }>()
  let http: HttpFace | undefined
  return {
    get clients() {
      return open.size
    },
    serveStream: (stream) => {
      stream.on('error', () => stream.destroy())
      if (open.size >= STREAMS_MAX) {
        log.warn({ clients: open.size }, 'too many MCP clients: refused one')
        stream.destroy()
        return
      }
      const transport = new SocketTransport(stream)
      const handle = serveStdio(factory, {
        transport,
        onerror: (error) => log.debug({ reason: error.message }, 'an MCP client sent something wrong'),
      })
      open.set(stream, handle)
      stream.once('close', () => {
        open.delete(stream)
        handle
          .close()
          .catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'an MCP connection did not close cleanly'))
      })
      // The other side has said all it will: nothing remains to be answered.
      stream.once('end', () => stream.end())
    },
    listenHttp: async (init) => {
      http ??= await listenHttp(factory, init, log)
      return http
    },
    close: async () => {
      await http?.close()
      await Promise.allSettled([...open.values()].map((handle) => handle.close()))
      for (const stream of open.keys()) stream.destroy()
    },
  }
}
