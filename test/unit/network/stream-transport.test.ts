import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { type PeerId, peerIdOfKey, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import type { Carrier, CarrierEvents, Connection } from '../../../src/network/carrier.ts'
import type { StreamChannel } from '../../../src/network/channel.ts'
import { NetworkError } from '../../../src/network/index.ts'
import {
  ADDRESS_CHECK_MS,
  CONNECTIONS_PER_PEER,
  MAX_CONNECTIONS,
  OPEN_TIMEOUT_MS,
  STOP_TIMEOUT_MS,
  StreamTransport,
  SURPLUS_GRACE_MS,
} from '../../../src/network/stream-transport.ts'

const self = peerIdOfKey(new Uint8Array(32))

function peer(number: number): PeerId {
  return peerIdOfKey(new Uint8Array(32).fill(number))
}

class TestConnection implements Connection {
  readonly link
  readonly closedWith: string[] = []
  channels = 0

  constructor(to: PeerId, direction: 'inbound' | 'outbound' = 'outbound') {
    this.link = {
      peer: to,
      kind: 'direct',
      direction,
      address: '/ip4/1.1.1.1/tcp/1',
      encryption: 'test',
      since: 0,
    } as const
  }

  openChannel(_protocol: string, signal: AbortSignal): Promise<StreamChannel> {
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
  }

  async close(reason: string): Promise<void> {
    this.closedWith.push(reason)
  }
}

class TestCarrier implements Carrier {
  events: CarrierEvents | undefined
  failWith: Error | undefined
  where: string[] = ['/ip4/1.1.1.1/tcp/1']
  problem: { reason: string; fix: string } | undefined
  stopping: Promise<void> = Promise.resolve()

  async start(events: CarrierEvents): Promise<void> {
    if (this.failWith !== undefined) throw this.failWith
    this.events = events
  }

  stop(): Promise<void> {
    return this.stopping
  }

  addresses(): readonly string[] {
    return this.where
  }

  async connect(to: PeerId): Promise<Connection> {
    const connection = new TestConnection(to)
    this.events?.opened(connection)
    return connection
  }

  handle(): void {}

  alsoAt(): void {}

  complaint(): { reason: string; fix: string } | undefined {
    return this.problem
  }

  figures(): Readonly<Record<string, number>> {
    return {}
  }
}

async function started(): Promise<{ clock: VirtualClock; carrier: TestCarrier; transport: StreamTransport }> {
  const clock = new VirtualClock()
  const carrier = new TestCarrier()
  const transport = new StreamTransport(self, carrier, { clock, log: silentLogger() })
  await transport.start()
  return { clock, carrier, transport }
}

describe('the transport over a carrier', () => {
  test('an open that is not answered ends at its deadline', async () => {
    const { clock, transport } = await started()
    await transport.dial(peer(1), ['/ip4/1.1.1.1/tcp/1'])
    const opening = assert.rejects(transport.open(peer(1), '/x/1'), { code: 'ERR_TIMEOUT' })
    await setImmediate()
    clock.advance(OPEN_TIMEOUT_MS)
    await opening
  })

  test('of two connections the idle one that nobody prefers is closed after a while', async () => {
    const { clock, carrier, transport } = await started()
    const log: string[] = []
    transport.events.on('peer:connect', () => log.push('connect'))
    transport.events.on('peer:disconnect', () => log.push('disconnect'))
    const [ours, theirs] = [new TestConnection(peer(1)), new TestConnection(peer(1), 'inbound')]
    const surplus = self < peer(1) ? theirs : ours
    carrier.events?.opened(theirs)
    carrier.events?.opened(ours)
    surplus.channels = 1
    clock.advance(SURPLUS_GRACE_MS)
    assert.deepEqual(surplus.closedWith, [])
    surplus.channels = 0
    carrier.events?.opened(new TestConnection(peer(1), surplus.link.direction))
    clock.advance(SURPLUS_GRACE_MS)
    assert.equal(surplus.closedWith.length, 1)
    assert.equal(transport.status().figures?.connections, 1)
    assert.deepEqual(log, ['connect'])
  })

  test('it neither dials nor keeps beyond its number of connections', async () => {
    const { carrier, transport } = await started()
    for (let number = 0; number < MAX_CONNECTIONS; number++) {
      const key = new Uint8Array(32)
      key.set([7, number])
      carrier.events?.opened(new TestConnection(peerIdOfKey(key)))
    }
    await assert.rejects(transport.dial(peer(1), ['/ip4/1.1.1.1/tcp/1']), { code: 'ERR_OVERLOADED' })
  })

  test('one peer cannot take the connections of all', async () => {
    const { carrier, transport } = await started()
    const connections = Array.from({ length: CONNECTIONS_PER_PEER + 5 }, () => new TestConnection(peer(1), 'inbound'))
    for (const connection of connections) carrier.events?.opened(connection)
    assert.equal(transport.status().figures?.connections, CONNECTIONS_PER_PEER)
    assert.equal(connections.filter(({ closedWith }) => closedWith.length > 0).length, 5)
    assert.deepEqual(connections[0]?.closedWith, [], 'the first one stays')
  })

  test('a start that fails says why and what to do, and may be tried again', async () => {
    const carrier = new TestCarrier()
    const transport = new StreamTransport(self, carrier, { clock: new VirtualClock(), log: silentLogger() })
    carrier.failWith = new NetworkError('ERR_ADDRESS_IN_USE', 'the port is already in use', { fix: 'Choose another.' })
    await assert.rejects(transport.start(), { code: 'ERR_ADDRESS_IN_USE' })
    const { state, reason, fix } = transport.status()
    assert.deepEqual([state, fix], ['failed', 'Choose another.'])
    assert.match(reason ?? '', /already in use/)
    carrier.failWith = undefined
    await transport.start()
    assert.equal(transport.status().state, 'ok')
    assert.equal(transport.status().reason, undefined)
  })

  test('a carrier that works in part is degraded, with reason and fix', async () => {
    const { carrier, transport } = await started()
    carrier.problem = { reason: 'no multicast', fix: 'use a ticket' }
    const { state, reason, fix } = transport.status()
    assert.deepEqual([state, reason, fix], ['degraded', 'no multicast', 'use a ticket'])
  })

  test('a carrier that does not stop is left behind at the deadline', async () => {
    const { clock, carrier, transport } = await started()
    carrier.stopping = new Promise(() => undefined)
    const stopping = transport.stop()
    await setImmediate()
    clock.advance(STOP_TIMEOUT_MS)
    await stopping
    assert.equal(transport.status().state, 'stopped')
  })

  test('a change of our addresses is told', async () => {
    const { clock, carrier, transport } = await started()
    const told: (readonly string[])[] = []
    transport.events.on('self:addresses', ({ addresses }) => told.push(addresses))
    clock.advance(ADDRESS_CHECK_MS * 3)
    assert.deepEqual(told, [])
    carrier.where = ['/ip4/2.2.2.2/tcp/1']
    clock.advance(ADDRESS_CHECK_MS)
    assert.deepEqual(told, [[`/ip4/2.2.2.2/tcp/1/p2p/${self}`]])
    await transport.stop()
    assert.equal(clock.pendingTimers, 0)
  })

  test('a protocol has one handler', async () => {
    const { transport } = await started()
    const handling = transport.handle('/x/1', { maxInboundStreams: 1 }, async () => undefined)
    assert.throws(() => transport.handle('/x/1', { maxInboundStreams: 1 }, async () => undefined), {
      code: 'ERR_INVALID_ARGUMENT',
    })
    handling[Symbol.dispose]()
    transport.handle('/x/1', { maxInboundStreams: 1 }, async () => undefined)
    handling[Symbol.dispose]()
    assert.throws(() => transport.handle('/x/1', { maxInboundStreams: 1 }, async () => undefined))
  })
})
