import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { Profiles } from '../../support/profiles.ts'

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
  await writeUntilClosed(endless, 'x'.repeat(1 << 20), 40)
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

test('garbage and a message of 10 MiB on the MCP socket end that connection only', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await ada.up()
  const path = join(profiles.home, 'ada', 'mcp.sock')
  const endless = await open(path)
  endless.resume()
  await writeUntilClosed(endless, 'x'.repeat(1 << 20), 10)
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
