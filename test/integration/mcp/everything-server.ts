/**
 * `node everything-server.ts [http]`: the reference server of the MCP project, as npm has it, with the network. Over stdio, or over
 * HTTP, whose address it prints, with a server for each session.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { createServer as createEverything } from '@modelcontextprotocol/server-everything/dist/server/index.js'
import { localPeer, type PlexusPeer, withPlexus } from '../../../src/mcp/index.ts'

if (process.argv[2] === 'http') await overHttp()
else {
  const { server } = createEverything()
  withPlexus(server)
  await server.connect(new StdioServerTransport())
}

async function overHttp(): Promise<void> {
  const peer = localPeer()
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const http = createServer(async (request, response) => {
    const session = request.headers['mcp-session-id']
    const known = typeof session === 'string' ? sessions.get(session) : undefined
    await (known ?? (await newSession(sessions, peer))).handleRequest(request, response)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  console.log(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`)
  // Whoever started this holds its standard input; sockets of sessions would keep it alive after that.
  process.stdin.resume().once('end', () => process.exit(0))
}

async function newSession(
  sessions: Map<string, StreamableHTTPServerTransport>,
  peer: PlexusPeer,
): Promise<StreamableHTTPServerTransport> {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
  })
  const { server } = createEverything()
  withPlexus(server, { peer })
  // The types of the SDK do not get along with `exactOptionalPropertyTypes`.
  await server.connect(transport as Transport)
  return transport
}
