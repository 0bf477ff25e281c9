import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { silentLogger, systemClock, systemRandom } from '../../../src/base/index.ts'
import { libp2pTransport, type Transport } from '../../../src/network/index.ts'

const MIB = 1024 * 1024

async function listening(): Promise<{ transport: Transport; host: string; port: number }> {
  const make = libp2pTransport({ deviceSeed: systemRandom().bytes(32), listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
  const transport = await make({ clock: systemClock(), log: silentLogger() })
  await transport.start()
  const [, host = '', port = ''] = /\/ip4\/([^/]+)\/tcp\/(\d+)\/ws/.exec(transport.addresses()[0] ?? '') ?? []
  return { transport, host, port: Number(port) }
}

async function tcpTo(host: string, port: number): Promise<Socket> {
  const socket = connect(port, host)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

describe('a WebSocket listener', () => {
  test('closes a connection whose frame is too large to be ours', async () => {
    const { transport, host, port } = await listening()
    await using _transport = transport
    const socket = new WebSocket(`ws://${host}:${port}/`)
    await once(socket, 'open')
    const closed = once(socket, 'close') as Promise<[CloseEvent]>
    socket.send(new Uint8Array(MIB + 1))
    const [{ code }] = await closed
    assert.equal(code, 1009)
  })

  test('survives frames that are malformed', async () => {
    const { transport, host, port } = await listening()
    await using _transport = transport
    for (const frame of [
      [0x82, 0x01, 0x00],
      [0xff, 0x80, 0, 0, 0, 0],
      [0x03, 0x80, 0, 0, 0, 0],
      [0x89, 0xfe, 0xff, 0xff],
    ]) {
      const socket = await tcpTo(host, port)
      socket.write(
        'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
      )
      await once(socket, 'data')
      const closed = once(socket, 'close')
      socket.write(Uint8Array.from(frame))
      await closed
    }
    assert.equal(transport.status().state, 'ok')
  })

  test('answers what is no WebSocket with an error, and a header without end too', async () => {
    const { transport, host, port } = await listening()
    await using _transport = transport
    const answer = await fetch(`http://${host}:${port}/`)
    assert.ok(answer.status >= 400)
    await answer.body?.cancel()
    const socket = await tcpTo(host, port)
    socket.write(`GET / HTTP/1.1\r\nx: ${'x'.repeat(16 * 1024)}`)
    const [said] = (await once(socket, 'data')) as [Buffer]
    assert.match(said.toString(), /^HTTP\/1\.1 431/)
  })

  test('stops although sockets keep silent', async () => {
    const { transport, host, port } = await listening()
    const socket = await tcpTo(host, port)
    const closed = once(socket, 'close')
    await transport.stop()
    await closed
    assert.equal(transport.status().state, 'stopped')
  })
})
