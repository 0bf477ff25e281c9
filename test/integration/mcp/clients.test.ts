import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Profiles } from '../../support/profiles.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../../..')
const CLI = join(ROOT, 'src/cli/main.ts')
const INSPECTOR = join(ROOT, 'node_modules/.bin/mcp-inspector')
const TOOL_NAMES = ['fetch', 'node_status', 'peers_list', 'research_add', 'research_ask', 'search', 'thought_share']

function environment(home: string): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: home, PLEXUS_HOME: home, NO_COLOR: '1' }
}

async function inspect(home: string, ...args: readonly string[]): Promise<unknown> {
  const { stdout } = await run(INSPECTOR, ['--cli', ...args], { env: environment(home), maxBuffer: 1 << 24 })
  return JSON.parse(stdout)
}

const httpArguments = (home: string, url: string): readonly string[] => {
  const token = readFileSync(join(home, 'ada', 'http-token'), 'utf8').trim()
  return ['--server-url', url, '--transport', 'http', '--header', `Authorization: Bearer ${token}`]
}

test('the MCP Inspector lists and calls the tools over stdio', async () => {
  await using profiles = new Profiles()
  await profiles.peer('ada').up()
  const stdio = [process.execPath, CLI, 'mcp', '--profile', 'ada', '-e', `PLEXUS_HOME=${profiles.home}`] as const
  const listed = (await inspect(profiles.home, ...stdio, '--method', 'tools/list', '--strict')) as {
    tools: { name: string }[]
  }
  assert.deepEqual(listed.tools.map((tool) => tool.name).sort(), TOOL_NAMES)
  const called = (await inspect(
    profiles.home,
    ...stdio,
    '--method',
    'tools/call',
    '--tool-name',
    'thought_share',
    '--tool-arg',
    'text=seen by the inspector',
  )) as { isError?: boolean }
  assert.notEqual(called.isError, true)
})

test('the MCP Inspector lists and calls the tools over HTTP, in both protocol eras', async () => {
  await using profiles = new Profiles()
  const { daemon } = await profiles.peer('ada').up()
  const http = httpArguments(profiles.home, daemon.mcpUrl)
  for (const era of ['legacy', 'modern']) {
    const listed = (await inspect(
      profiles.home,
      ...http,
      '--protocol-era',
      era,
      '--method',
      'tools/list',
      '--strict',
    )) as { tools: { name: string }[] }
    assert.deepEqual(listed.tools.map((tool) => tool.name).sort(), TOOL_NAMES, era)
    const called = (await inspect(
      profiles.home,
      ...http,
      '--protocol-era',
      era,
      '--method',
      'tools/call',
      '--tool-name',
      'node_status',
    )) as { structuredContent: { name: string } }
    assert.equal(called.structuredContent.name, 'ada', era)
  }
})

test('the list of tools stays small', async () => {
  await using profiles = new Profiles()
  await profiles.peer('ada').up()
  const client = await profiles.peer('ada').mcp('test')
  try {
    const { tools } = await client.listTools()
    assert.ok(JSON.stringify(tools).length <= 9_000, `${JSON.stringify(tools).length} characters`)
    for (const tool of tools) {
      assert.equal(Object.keys(tool.annotations ?? {}).filter((name) => name.endsWith('Hint')).length, 4, tool.name)
      assert.notEqual(tool.outputSchema, undefined, tool.name)
    }
  } finally {
    await client.close()
  }
})

test('a shim starts the daemon when needed, and ends with its client', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  // The name is made known, so that the daemon which the shim starts is stopped at the end; it listens on loopback only.
  await ada.up()
  await ada.down()
  const shim = spawn(process.execPath, [CLI, 'mcp', '--profile', 'ada'], {
    env: environment(profiles.home),
    stdio: 'pipe',
  })
  shim.stdin.write(
    `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } } })}\n`,
  )
  const [answer] = (await once(shim.stdout, 'data')) as [Buffer]
  assert.match(answer.toString(), /"serverInfo"/)
  shim.stdin.end()
  const [code] = (await once(shim, 'exit')) as [number]
  assert.equal(code, 0)
})

test('killed clients leave no shim and no session behind', async () => {
  await using profiles = new Profiles()
  await profiles.peer('ada').up()
  const shims = Array.from({ length: 5 }, () =>
    spawn(process.execPath, [CLI, 'mcp', '--profile', 'ada'], { env: environment(profiles.home), stdio: 'pipe' }),
  )
  for (const shim of shims) {
    shim.stdin.write(
      `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } } })}\n`,
    )
    await once(shim.stdout, 'data')
  }
  // What the death of a client looks like to a shim: both its pipes close.
  const ended = shims.map((shim) => once(shim, 'exit'))
  for (const shim of shims) {
    shim.stdout.destroy()
    shim.stdin.destroy()
  }
  await Promise.all(ended)
})

test('a shim whose daemon dies says so and ends', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  const { daemon } = await ada.up()
  const shim = spawn(process.execPath, [CLI, 'mcp', '--profile', 'ada'], {
    env: environment(profiles.home),
    stdio: 'pipe',
  })
  shim.stdin.write(
    `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } } })}\n`,
  )
  await once(shim.stdout, 'data')
  let said = ''
  shim.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  process.kill(daemon.pid, 'SIGKILL')
  const [code] = (await once(shim, 'exit')) as [number]
  assert.equal(code, 3)
  assert.match(said, /ERR_DAEMON_LOST/)
})

test('40 thoughts written at once through four clients are all kept', async () => {
  await using profiles = new Profiles()
  await profiles.peer('ada').up()
  const clients = await Promise.all(
    Array.from({ length: 4 }, (_, index) => profiles.peer('ada').mcp(`client-${index}`)),
  )
  const writes = clients.flatMap((client, c) =>
    Array.from({ length: 10 }, (_, n) =>
      client.callTool({
        name: 'thought_share',
        arguments: { text: `thought ${n} of client ${c}`, topic: 'concurrent' },
      }),
    ),
  )
  const results = await Promise.all(writes)
  assert.ok(results.every((result) => result.isError !== true))
  await Promise.all(clients.map((client) => client.close()))
  const { thoughts } = await profiles
    .peer('ada')
    .plexus<{ thoughts: { text: string }[] }>('recall', '--topic', 'concurrent', '--limit', '100')
  assert.equal(new Set(thoughts.map((thought) => thought.text)).size, 40)
})

test('both protocol eras work through the shim', async () => {
  await using profiles = new Profiles()
  await profiles.peer('ada').up()
  for (const mode of ['legacy', { pin: '2026-07-28' }] as const) {
    const client = new Client({ name: 'eras', version: '1' }, { versionNegotiation: { mode } })
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [CLI, 'mcp', '--profile', 'ada'],
        env: environment(profiles.home),
      }),
    )
    const result = await client.callTool({ name: 'node_status', arguments: {} })
    assert.equal((result.structuredContent as { name: string }).name, 'ada')
    await client.close()
  }
})

test('HTTP refuses what does not come from this machine and this user', async () => {
  await using profiles = new Profiles()
  const { daemon } = await profiles.peer('ada').up()
  const token = readFileSync(join(profiles.home, 'ada', 'http-token'), 'utf8').trim()
  const right = { authorization: `Bearer ${token}` }
  const attempts: readonly (readonly [string, number, Record<string, string>])[] = [
    ['no token', 401, {}],
    ['a wrong token', 401, { authorization: `Bearer ${'0'.repeat(64)}` }],
    ['the token as a user name', 401, { authorization: `Basic ${token}` }],
    ['a foreign Host', 403, { ...right, host: 'evil.example' }],
    ['a foreign Host with our port', 403, { ...right, host: `evil.example:${new URL(daemon.mcpUrl).port}` }],
    ['a foreign Origin', 403, { ...right, origin: 'https://evil.example' }],
    ['the Origin of a sandboxed frame', 403, { ...right, origin: 'null' }],
    ['a request from another site', 403, { ...right, 'sec-fetch-site': 'cross-site' }],
  ]
  for (const [what, status, headers] of attempts) assert.equal(await statusOf(daemon.mcpUrl, headers), status, what)
  assert.equal(await statusOf(daemon.mcpUrl.replace('/mcp', '/other'), right), 404)
  assert.equal(await statusOf(daemon.mcpUrl, right), 200)
})

test('monitors see that the daemon lives and is ready, and with the token its figures', async () => {
  await using profiles = new Profiles()
  const { daemon } = await profiles.peer('ada').up()
  const token = readFileSync(join(profiles.home, 'ada', 'http-token'), 'utf8').trim()
  const at = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(daemon.mcpUrl.replace('/mcp', path), { headers })
  assert.equal(await (await at('/livez')).text(), 'ok\n')
  assert.equal(await (await at('/readyz')).text(), 'ok\n')
  assert.equal((await at('/metrics')).status, 401)
  const metrics = await (await at('/metrics', { authorization: `Bearer ${token}` })).text()
  assert.match(metrics, /^plexus_ok 1$/m)
  assert.match(metrics, /^plexus_bus_peers_ready 0$/m)
  assert.match(metrics, /^process_resident_memory_bytes \d+$/m)
  const series = metrics.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  assert.ok(series.length <= 2_000)
  assert.doesNotMatch(metrics, /12D3KooW/)
})

function statusOf(url: string, headers: Record<string, string>): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  const sent = request(
    url,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
    },
    (response) => {
      response.resume()
      resolve(response.statusCode)
    },
  )
  sent.once('error', reject)
  sent.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }))
  return promise
}
