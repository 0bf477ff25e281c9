import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { CONTROL_MAX_CONNECTIONS } from '../../../src/control/index.ts'
import { Profiles } from '../../support/profiles.ts'

const MIB = 1024 * 1024

/** Memory of a process that is in use, in MiB. */
function residentMib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

const noProc = { skip: process.platform === 'linux' ? false : 'there is no /proc' }

async function open(path: string): Promise<Socket> {
  const socket = connect(path)
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** However it ends: a peer that hangs up on garbage may well reset the connection. */
const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()))

/** Writes as far as the other side takes it, and waits until that side has hung up. */
async function writeUntilClosed(socket: Socket, chunk: string, times: number): Promise<void> {
  const end = closed(socket)
  for (let n = 0; n < times && !socket.destroyed; n++) {
    if (!socket.write(chunk)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), end])
  }
  await end
}

test('garbage and endless lines on the control socket end that conversation only', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await ada.up()
  const path = join(profiles.home, 'ada', 'control.sock')
  for (const garbage of ['not json\n', '[]\n', '{"id":"x","op":1}\n', 'null\n', '{"id":1e99,"op":"node.status"}\n']) {
    const socket = await open(path)
    socket.write(garbage)
    socket.resume()
    await closed(socket)
  }
  const endless = await open(path)
  endless.resume()
  await writeUntilClosed(endless, 'x'.repeat(MIB), 40)
  assert.equal((await ada.plexus<{ name: string }>('status')).name, 'ada')
})

test('a client that asks too much at once is told so, and one that leaves is forgotten', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await ada.up()
  const socket = await open(join(profiles.home, 'ada', 'control.sock'))
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const asked = 1_000
  for (let id = 1; id <= asked; id++)
    socket.write(`${JSON.stringify({ id, op: 'peers.list', input: { waitFor: 1 } })}\n`)
  while (text.split('\n').length < 900) await once(socket, 'data')
  assert.match(text, /ERR_TOO_MANY_IN_FLIGHT/)
  socket.destroy()
  assert.equal((await ada.plexus<{ name: string }>('status')).name, 'ada')
})

test('an id that is in use ends the conversation', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await ada.up()
  const socket = await open(join(profiles.home, 'ada', 'control.sock'))
  socket.resume()
  for (let n = 0; n < 2; n++) socket.write('{"id":1,"op":"peers.list","input":{"waitFor":1}}\n')
  await closed(socket)
  assert.equal((await ada.plexus<{ name: string }>('status')).name, 'ada')
})

test('connections beyond the bound are closed at once, and all others are served', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await ada.up()
  const path = join(profiles.home, 'ada', 'control.sock')
  const held = await Promise.all(Array.from({ length: CONTROL_MAX_CONNECTIONS }, () => open(path)))
  const surplus = await open(path)
  surplus.resume()
  await closed(surplus)
  const [first] = held
  first?.write('{"id":1,"op":"node.status","input":{}}\n')
  const [reply] = (await once(first as Socket, 'data')) as [Buffer]
  assert.match(reply.toString(), /"name":"ada"/)
  const gone = held.map(closed)
  for (const socket of held) socket.destroy()
  await Promise.all(gone)
  assert.equal((await ada.plexus<{ name: string }>('status')).name, 'ada')
})

test('a control client that does not read its answers is not listened to until it does', noProc, async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  const { daemon } = await ada.up()
  for (let n = 0; n < 10; n++) await ada.plexus('think', `${n} ${'x'.repeat(16_000)}`)
  const path = join(profiles.home, 'ada', 'control.sock')
  const [deaf, other] = [await open(path), await open(path)]
  deaf.pause()
  const before = residentMib(daemon.pid)
  for (let id = 1; id <= 40 * 64; id++) {
    deaf.write(`${JSON.stringify({ id, op: 'thought.recall', input: { limit: 100 } })}\n`)
    if (id % 64 !== 0) continue
    // By the time another client has its answer, the daemon has done what it will for this one.
    other.write(`${JSON.stringify({ id, op: 'node.status', input: {} })}\n`)
    await once(other, 'data')
  }
  assert.ok(residentMib(daemon.pid) - before < 150, `${before} MiB grew to ${residentMib(daemon.pid)} MiB`)
  deaf.destroy()
  other.destroy()
})

test('an MCP client that does not read its answers is not listened to until it does', noProc, async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  const { daemon } = await ada.up()
  const deaf = await open(join(profiles.home, 'ada', 'mcp.sock'))
  const message = (fields: object): string => `${JSON.stringify({ jsonrpc: '2.0', ...fields })}\n`
  const clientInfo = { name: 'deaf', version: '1' }
  deaf.write(
    message({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } }),
  )
  await once(deaf, 'data')
  deaf.write(message({ method: 'notifications/initialized' }))
  deaf.pause()
  const before = residentMib(daemon.pid)
  for (let id = 2; id <= 30_000; id++) deaf.write(message({ id, method: 'tools/list' }))
  for (let n = 0; n < 10; n++) assert.equal((await ada.plexus<{ name: string }>('status')).name, 'ada')
  assert.ok(residentMib(daemon.pid) - before < 350, `${before} MiB grew to ${residentMib(daemon.pid)} MiB`)
  deaf.destroy()
})

test('garbage and a message of 10 MiB on the MCP socket end that connection only', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await ada.up()
  const path = join(profiles.home, 'ada', 'mcp.sock')
  const endless = await open(path)
  endless.resume()
  await writeUntilClosed(endless, 'x'.repeat(MIB), 10)
  const garbage = await open(path)
  garbage.resume()
  garbage.end('this is no JSON-RPC\n{"jsonrpc":"2.0"}\n\u0000\u0000\n')
  await closed(garbage)
  const client = await ada.mcp('after the storm')
  try {
    const result = await client.callTool({ name: 'node_status', arguments: {} })
    assert.notEqual(result.isError, true)
  } finally {
    await client.close()
  }
})

test('many starts at the same moment give one daemon that serves them all', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  const reports = await Promise.all(Array.from({ length: 4 }, () => ada.up()))
  assert.equal(new Set(reports.map((report) => report.daemon.pid)).size, 1)
  await ada.down()
  const clients = await Promise.all(Array.from({ length: 4 }, (_, n) => ada.mcp(`client ${n}`)))
  try {
    const answers = await Promise.all(clients.map((client) => client.callTool({ name: 'node_status', arguments: {} })))
    assert.ok(answers.every((answer) => answer.isError !== true))
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
})
