import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { McpServer as OldMcpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { createMcpHandler, InMemoryTransport, McpServer, Server } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'
import { type Caller, type OperationContext, PlexusError, VirtualClock } from '../../../src/base/index.ts'
import { type Plexus, type PlexusPeer, type WithPlexusOptions, withPlexus } from '../../../src/mcp/index.ts'
import { STATUS_TIMEOUT_MS } from '../../../src/mcp/with-plexus.ts'
import type { NodeStatus } from '../../../src/node/index.ts'

type Answer = (input: unknown, context: Partial<OperationContext>) => unknown

const THOUGHT = { id: 'a'.repeat(64), space: { name: 'home', personal: false } }

/** A peer that answers as it is told and notes who asked. */
class ScriptedPeer implements PlexusPeer {
  readonly callers: unknown[] = []
  readonly #answers: Readonly<Record<string, Answer>>
  readonly #status: PlexusPeer['status']

  constructor(answers: Readonly<Record<string, Answer>> = {}, status?: PlexusPeer['status']) {
    this.#answers = { 'thought.share': () => ({ thought: THOUGHT }), ...answers }
    this.#status = status ?? (() => ({ state: 'ok', since: 1 }) as NodeStatus)
  }

  async call(operation: string, input: unknown, context: Partial<OperationContext> = {}): Promise<unknown> {
    this.callers.push(context.caller)
    return await this.#answers[operation]?.(input, context)
  }

  status(): NodeStatus | Promise<NodeStatus> {
    return this.#status()
  }
}

/** The first generation has another type and, as far as we use it here, the same shape. */
const McpServer1 = OldMcpServer as unknown as typeof McpServer

/** A server with a tool, a resource and a prompt of its own. */
function notes(Make: typeof McpServer): McpServer {
  const server = new Make({ name: 'notes', version: '1.2.0' }, { instructions: 'Keep notes.' })
  server.registerTool('note_add', { inputSchema: z.object({ text: z.string() }) }, async ({ text }) => ({
    content: [{ type: 'text', text: `noted: ${text}` }],
  }))
  server.registerResource('all', 'notes://all', {}, async (uri) => ({
    contents: [{ uri: uri.href, text: 'everything' }],
  }))
  server.registerPrompt('tidy', {}, async () => ({
    messages: [{ role: 'user', content: { type: 'text', text: 'Tidy up.' } }],
  }))
  return server
}

interface Meeting extends AsyncDisposable {
  readonly client: Client
  readonly plexus: Plexus
}

/** A client connected to a server with Plexus, of this generation of the SDK or this era of the protocol. */
async function meet(way: (typeof WAYS)[number], options: WithPlexusOptions): Promise<Meeting> {
  const [here, there] = InMemoryTransport.createLinkedPair()
  const server = notes(way === 'version 1' ? McpServer1 : McpServer)
  const plexus = withPlexus(server, options)
  const mode = way === 'version 2, 2026-07-28' ? { pin: '2026-07-28' } : 'legacy'
  const client = new Client({ name: 'tester', version: '9' }, { versionNegotiation: { mode } })
  if (way === 'version 2, 2026-07-28') serveStdio(() => server, { transport: there })
  else await server.connect(there)
  await client.connect(here)
  return { client, plexus, [Symbol.asyncDispose]: () => client.close() }
}

const WAYS = ['version 1', 'version 2', 'version 2, 2026-07-28'] as const

const textOf = (result: Awaited<ReturnType<Client['callTool']>>): string =>
  (result.content as { text: string }[]).map(({ text }) => text).join('\n')

for (const way of WAYS) {
  describe(`a server of the SDK, ${way}`, () => {
    test('has the tools of Plexus beside all that it had', async () => {
      const peer = new ScriptedPeer()
      await using meeting = await meet(way, { peer })
      const { client, plexus } = meeting
      const { tools } = await client.listTools()
      assert.deepEqual(
        tools.map(({ name }) => name),
        ['note_add', ...plexus.tools],
      )
      assert.equal(textOf(await client.callTool({ name: 'note_add', arguments: { text: 'a' } })), 'noted: a')
      assert.equal((await client.listResources()).resources.length, 1)
      assert.equal((await client.listPrompts()).prompts.length, 1)
      assert.match(client.getInstructions() ?? '', /^Keep notes\.\n\nPlexus connects you/)
      const shared = await client.callTool({ name: 'thought_share', arguments: { text: 'x' } })
      assert.deepEqual(shared.structuredContent, {
        id: THOUGHT.id,
        uri: `plexus://thought/${THOUGHT.id}`,
        space: 'home',
        private: false,
      })
      assert.deepEqual(peer.callers, [{ kind: 'agent', client: 'notes/1.2.0 for tester/9' }])
    })

    test('answers what the network refuses with what to do', async () => {
      const share: Answer = () => {
        throw new PlexusError('ERR_DAEMON_START', 'the disk is full', { fix: 'Free some space.' })
      }
      await using meeting = await meet(way, { peer: new ScriptedPeer({ 'thought.share': share }) })
      const failed = await meeting.client.callTool({ name: 'thought_share', arguments: { text: 'x' } })
      assert.equal(failed.isError, true)
      assert.equal(textOf(failed), 'the disk is full (ERR_DAEMON_START)\nTry: Free some space.')
    })

    test('passes on progress and cancelling', async () => {
      const cancelled = Promise.withResolvers<void>()
      const share: Answer = async (_input, { progress, signal }) => {
        progress?.({ done: 1, total: 2, message: 'half' })
        await new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => {
            cancelled.resolve()
            reject(signal.reason)
          })
        })
      }
      await using meeting = await meet(way, { peer: new ScriptedPeer({ 'thought.share': share }) })
      const seen: unknown[] = []
      const controller = new AbortController()
      const call = meeting.client.callTool(
        { name: 'thought_share', arguments: { text: 'x' } },
        {
          signal: controller.signal,
          onprogress: (step) => {
            seen.push(step)
            controller.abort(new Error('enough'))
          },
        },
      )
      await assert.rejects(call)
      await cancelled.promise
      assert.deepEqual(seen, [{ progress: 1, total: 2, message: 'half' }])
    })

    test('goes on without Plexus once that is closed', async () => {
      const clock = new VirtualClock(5)
      await using meeting = await meet(way, { peer: new ScriptedPeer(), clock })
      const { client, plexus } = meeting
      await plexus.close()
      const refused = await client.callTool({ name: 'thought_share', arguments: { text: 'x' } })
      assert.equal(refused.isError, true)
      assert.match(textOf(refused), /ERR_PLEXUS_CLOSED.*\nTry: /s)
      assert.equal(textOf(await client.callTool({ name: 'note_add', arguments: { text: 'b' } })), 'noted: b')
      await assert.rejects(plexus.call('thought.recall', {}), { code: 'ERR_PLEXUS_CLOSED' })
      const { state, reason, since, fix } = await plexus.status()
      assert.deepEqual({ state, since }, { state: 'closed', since: 5 })
      assert.ok(reason !== undefined && fix !== undefined)
    })
  })
}

test('over HTTP, with a server for each request, all take part through one peer', async () => {
  const peer = new ScriptedPeer()
  const handler = createMcpHandler(() => {
    const server = notes(McpServer)
    withPlexus(server, { peer })
    return server
  })
  const fetch = async (url: string | URL, init?: RequestInit): Promise<Response> =>
    await handler.fetch(new Request(url, init))
  for (const mode of ['legacy', { pin: '2026-07-28' }] as const) {
    const client = new Client({ name: 'tester', version: '9' }, { versionNegotiation: { mode } })
    await client.connect(new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), { fetch }))
    const shared = await client.callTool({ name: 'thought_share', arguments: { text: 'x' } })
    assert.notEqual(shared.isError, true, textOf(shared))
    await client.close()
  }
  assert.deepEqual(
    peer.callers.map((caller) => (caller as Caller).client),
    // The server that answers a client of before 2026-07-28 is not the one to which that introduced itself.
    ['notes/1.2.0', 'notes/1.2.0 for tester/9'],
  )
  await handler.close()
})

for (const Make of [McpServer, McpServer1]) {
  test('a name that is taken is an error before anything has changed', async () => {
    const server = notes(Make)
    server.registerTool('search', {}, async () => ({ content: [] }))
    const refused = { code: 'ERR_TOOL_REFUSED', message: /tool search: .*already registered/, fix: /`prefix`/ }
    assert.throws(() => withPlexus(server, { peer: new ScriptedPeer() }), refused)
    const [here, there] = InMemoryTransport.createLinkedPair()
    const client = new Client({ name: 'tester', version: '9' })
    await server.connect(there)
    await client.connect(here)
    const { tools } = await client.listTools()
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['note_add', 'search'],
    )
    assert.equal(client.getInstructions(), 'Keep notes.')
    await client.close()
  })

  test('a prefix and a choice of tools make room', () => {
    const server = notes(Make)
    server.registerTool('search', {}, async () => ({ content: [] }))
    const peer = new ScriptedPeer()
    assert.deepEqual(withPlexus(server, { peer, tools: ['fetch', 'thought_share'] }).tools, ['thought_share', 'fetch'])
    assert.deepEqual(withPlexus(server, { peer, tools: ['search'], prefix: 'plexus_' }).tools, ['plexus_search'])
  })
}

test('a server whose own code alone takes part tells its clients nothing of it', () => {
  const server = notes(McpServer)
  assert.deepEqual(withPlexus(server, { peer: new ScriptedPeer(), tools: [] }).tools, [])
  assert.equal((server.server as unknown as { _instructions: string })._instructions, 'Keep notes.')
})

test('what cannot be chosen is said before anything has changed', () => {
  const server = notes(McpServer)
  const peer = new ScriptedPeer()
  assert.throws(() => withPlexus(server, { peer, tools: ['invite'] }), {
    code: 'ERR_INVALID_ARGUMENT',
    fix: /node_status/,
  })
  assert.throws(() => withPlexus(server, { peer, prefix: 'my tools/' }), { code: 'ERR_INVALID_ARGUMENT' })
  const low = new Server({ name: 'low', version: '1' }) as unknown as McpServer
  assert.throws(() => withPlexus(low, { peer }), { code: 'ERR_HOST_SERVER', fix: /plexus mcp/ })
})

test('an SDK that would take our schemas for something else is refused', () => {
  const removed: string[] = []
  const server = {
    // As versions before 1.23 do, which know only zod 3.
    registerTool: (name: string, config: { inputSchema: object }) => ({
      inputSchema: { ...config.inputSchema },
      remove: () => removed.push(name),
    }),
    server: { getClientVersion: () => undefined },
  }
  assert.throws(() => withPlexus(server, { peer: new ScriptedPeer() }), { code: 'ERR_TOOL_REFUSED', fix: /1\.23/ })
  assert.deepEqual(removed, ['node_status'])
})

test("the server's own code runs operations in its name", async () => {
  const peer = new ScriptedPeer({ 'thought.recall': () => ({ thoughts: [] }) })
  const plexus = withPlexus(notes(McpServer), { peer, name: 'notes of ada' })
  const { thoughts } = await plexus.call('thought.recall', { query: 'x' })
  assert.deepEqual(thoughts, [])
  assert.deepEqual(peer.callers, [{ kind: 'agent', client: 'notes of ada' }])
})

test('closing ends what is under way, on both sides', async () => {
  const aborted = Promise.withResolvers<void>()
  const recall: Answer = async (_input, { signal }) => {
    signal?.addEventListener('abort', () => aborted.resolve())
    await new Promise(() => undefined)
  }
  const plexus = withPlexus(notes(McpServer), { peer: new ScriptedPeer({ 'thought.recall': recall }) })
  const call = plexus.call('thought.recall', {})
  await plexus[Symbol.asyncDispose]()
  await assert.rejects(call, { code: 'ERR_PLEXUS_CLOSED' })
  await aborted.promise
})

test('the status is that of the peer, or why it cannot be asked and since when', async () => {
  const clock = new VirtualClock(1_000)
  let answer: () => NodeStatus | Promise<NodeStatus> = () =>
    ({ state: 'degraded', since: 7, reason: 'sync: one peer is silent', fix: 'Wait.' }) as NodeStatus
  const plexus = withPlexus(notes(McpServer), { peer: new ScriptedPeer({}, () => answer()), clock })
  const { node, ...status } = await plexus.status()
  assert.deepEqual(status, { state: 'degraded', since: 7, reason: 'sync: one peer is silent', fix: 'Wait.' })
  assert.equal(node?.state, 'degraded')

  answer = () => Promise.reject(new PlexusError('ERR_DAEMON_NOT_RUNNING', 'no daemon runs', { fix: 'plexus up' }))
  const failed = { state: 'failed', since: 1_000, reason: 'no daemon runs', fix: 'plexus up' }
  assert.deepEqual(await plexus.status(), failed)
  clock.advance(500)
  assert.deepEqual(await plexus.status(), failed)

  answer = () => new Promise(() => undefined)
  const silent = plexus.status()
  clock.advance(STATUS_TIMEOUT_MS)
  assert.match((await silent).reason ?? '', /took longer/)
})
