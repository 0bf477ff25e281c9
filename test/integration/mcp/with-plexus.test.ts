import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { Client, InMemoryTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { McpServer } from '@modelcontextprotocol/server'
import { silentLogger } from '../../../src/base/index.ts'
import { listenOnSocket, serveControl } from '../../../src/cli/daemon/control-server.ts'
import { prepareFolder, profileOf } from '../../../src/control/index.ts'
import { withPlexus } from '../../../src/mcp/index.ts'
import { eventually, Profiles } from '../../support/profiles.ts'

const SERVER = join(import.meta.dirname, 'everything-server.ts')
const IMPORT_LOG = join(import.meta.dirname, '../../support/import-log.ts')

function environment(home: string, profile: string): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: home, PLEXUS_HOME: home, PLEXUS_PROFILE: profile, NO_COLOR: '1' }
}

async function overStdio(home: string, profile: string): Promise<Client> {
  const client = new Client({ name: `client-of-${profile}`, version: '1' })
  const env = environment(home, profile)
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [SERVER], env, stderr: 'ignore' }))
  return client
}

type Result = Awaited<ReturnType<Client['callTool']>>

const textOf = ({ content }: Result): string => (content as { text: string }[]).map(({ text }) => text).join('\n')

async function echo(client: Client, message: string): Promise<void> {
  assert.equal(textOf(await client.callTool({ name: 'echo', arguments: { message } })), `Echo: ${message}`)
}

async function share(client: Client, text: string): Promise<void> {
  const shared = await client.callTool({ name: 'thought_share', arguments: { text } })
  assert.notEqual(shared.isError, true, textOf(shared))
}

interface Found {
  readonly author: string
  readonly peer: string
  readonly signature: string
  readonly trust: string
}

/** Asks until the other agent's thought has arrived. */
async function recalled(client: Client, query: string): Promise<{ readonly found: Found; readonly text: string }> {
  return await eventually(async () => {
    const result = await client.callTool({ name: 'search', arguments: { query } })
    const { results } = result.structuredContent as { readonly results: readonly Found[] }
    return results[0] === undefined ? undefined : { found: results[0], text: textOf(result) }
  })
}

test('what the agent of one server from npm shares, the agent of another recalls, its author proven', async () => {
  await using profiles = new Profiles()
  await profiles.joined('ada', 'bohr')
  const ada = await overStdio(profiles.home, 'ada')
  const bohr = await overStdio(profiles.home, 'bohr')
  await echo(ada, 'mine still works')
  assert.ok((await ada.listResources()).resources.length > 0)
  assert.ok((await ada.listPrompts()).prompts.length > 0)
  assert.match(ada.getInstructions() ?? '', /Plexus connects you/)

  await share(ada, 'The cache is cold after midnight')
  const { found, text } = await recalled(bohr, 'cold cache')
  const { author, peer, signature, trust } = found
  const expected = { author: 'ada', peer: profiles.peer('ada').report.peer, signature: 'valid', trust: 'member' }
  assert.deepEqual({ author, peer, signature, trust }, expected)
  assert.match(text, /by="agent mcp-servers\/everything\/2\.0\.0 for client-of-ada\/1"/)
  await Promise.all([ada.close(), bohr.close()])
})

test('the same over HTTP, for clients that come and go', async () => {
  await using profiles = new Profiles()
  await profiles.peer('ada').up()
  const env = environment(profiles.home, 'ada')
  const host = spawn(process.execPath, [SERVER, 'http'], { env, stdio: ['pipe', 'pipe', 'ignore'] })
  const [url] = (await once(host.stdout, 'data')) as [Buffer]
  for (const n of [1, 2, 3]) {
    const client = new Client({ name: `client-${n}`, version: '1' })
    await client.connect(new StreamableHTTPClientTransport(new URL(url.toString().trim())))
    await echo(client, 'over HTTP')
    await share(client, `Thought of client number ${n}`)
    const { found, text } = await recalled(client, `client number ${n}`)
    assert.deepEqual({ author: found.author, signature: found.signature }, { author: 'ada', signature: 'valid' })
    assert.match(text, new RegExp(`everything/2\\.0\\.0 for client-${n}/1`))
    await client.close()
  }
  host.stdin.end()
  assert.deepEqual(await once(host, 'exit'), [0, null])
})

test('a server starts the daemon when none runs, loads no libp2p, and ends with its client', async () => {
  await using profiles = new Profiles()
  // Made known first, so that the daemon is stopped at the end and listens on loopback only.
  await profiles.peer('ada').up()
  await profiles.peer('ada').down()
  const env = environment(profiles.home, 'ada')
  const host = spawn(process.execPath, ['--import', IMPORT_LOG, SERVER], { env, stdio: 'pipe' })
  const loaded: string[] = []
  createInterface(host.stderr).on('line', (line) => loaded.push(line))
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const requests = [
    { id: 1, method: 'initialize', params },
    { id: 2, method: 'tools/call', params: { name: 'node_status', arguments: {} } },
  ]
  for (const request of requests) host.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...request })}\n`)
  for await (const line of createInterface(host.stdout)) {
    if ((JSON.parse(line) as { id?: number }).id !== 2) continue
    assert.match(line, /ada is ok/)
    break
  }
  host.stdin.end()
  assert.deepEqual(await once(host, 'exit'), [0, null])
  assert.ok(loaded.some((line) => line.includes('/src/control/')))
  assert.deepEqual(
    loaded.filter((line) => /node_modules\/(@?libp2p|@modelcontextprotocol\/server\/)/.test(line)),
    [],
  )
  assert.equal((await profiles.peer('ada').plexus<{ state: string }>('status')).state, 'ok')
})

test('a daemon that is killed costs the server nothing, and the next call starts another', async () => {
  await using profiles = new Profiles()
  const { daemon } = await profiles.peer('ada').up()
  const client = await overStdio(profiles.home, 'ada')
  await share(client, 'Before the power cut')
  process.kill(daemon.pid, 'SIGKILL')
  await echo(client, 'still here')
  // The very first call may have been on its way to the daemon that was killed.
  await eventually(async () => {
    const result = await client.callTool({ name: 'node_status', arguments: {} })
    await echo(client, 'and here')
    return result.isError === true ? undefined : result
  })
  assert.equal((await recalled(client, 'power cut')).found.author, 'ada')
  const { daemon: another } = await profiles.peer('ada').plexus<{ daemon: { pid: number } }>('status')
  assert.notEqual(another.pid, daemon.pid)
  await client.close()
})

test('a network that cannot start is an answer with a fix, and the server goes on', async () => {
  const client = await overStdio('/proc/nowhere', 'ada')
  const refused = await client.callTool({ name: 'thought_share', arguments: { text: 'x' } })
  assert.equal(refused.isError, true)
  assert.match(textOf(refused), /ERR_HOME\)\nTry: Set PLEXUS_HOME/)
  await echo(client, 'still here')
  await client.close()
})

test('a server that closes ends its conversation with the daemon when all is answered, and begins another when connected again', async () => {
  await using profiles = new Profiles()
  const profile = profileOf('ada', { PLEXUS_HOME: profiles.home })
  prepareFolder(profile)
  const conversations: Socket[] = []
  let recall = Promise.withResolvers<{ thoughts: [] }>()
  const daemon = await listenOnSocket(profile.controlSocket, 8, (socket) => {
    conversations.push(socket)
    const status = { state: 'ok', name: 'ada', peers: {}, components: [], spaces: [], addresses: [] }
    const call = async (op: string): Promise<unknown> => (op === 'thought.recall' ? await recall.promise : status)
    serveControl(socket, call, silentLogger())
  })
  process.env.PLEXUS_HOME = profiles.home
  const server = new McpServer({ name: 'notes', version: '1' })
  let closes = 0
  server.server.onclose = () => closes++
  const plexus = withPlexus(server, { profile: 'ada' })
  for (const round of [1, 2]) {
    const [here, there] = InMemoryTransport.createLinkedPair()
    const client = new Client({ name: 'tester', version: '1' })
    await server.connect(there)
    await client.connect(here)
    await client.callTool({ name: 'node_status', arguments: {} })
    assert.equal(conversations.length, round)
    recall = Promise.withResolvers()
    const underWay = plexus.call('thought.recall', {})
    const ended = once(conversations.at(-1) as Socket, 'close')
    await client.close()
    assert.equal(closes, round)
    recall.resolve({ thoughts: [] })
    assert.deepEqual(await underWay, { thoughts: [] })
    await ended
  }
  daemon.close()
})
