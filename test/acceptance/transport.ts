import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { peerIdOfKey } from '../../src/base/index.ts'
import type { Channel } from '../../src/network/index.ts'
import { channelChecks } from './channels.ts'
import {
  type Check,
  checkOn,
  ECHO,
  echo,
  linkedPair,
  MANY,
  nextEvent,
  pair,
  readAll,
  rejects,
  sendUntilFull,
  serveEcho,
  type TransportBench,
  withoutPeer,
} from './transport-bench.ts'

/** What every adapter of the `Transport` port must do. */
export function transportSuite(name: string, makeBench: () => Promise<TransportBench>): void {
  const check = checkOn(makeBench)
  describe(`${name}: links`, () => linkChecks(check))
  describe(`${name}: life`, () => lifeChecks(check))
  describe(`${name}: channels`, () => channelChecks(check))
}

function linkChecks(check: Check): void {
  check('both sides prove who they are', async (bench) => {
    const [a, b] = await pair(bench)
    const met = nextEvent(b, 'peer:connect')
    const link = await a.dial(b.self, b.addresses())
    assert.equal(link.peer, b.self)
    assert.equal(link.direction, 'outbound')
    const seen = await met
    assert.equal(seen.peer, a.self)
    assert.equal(seen.direction, 'inbound')
    assert.deepEqual(a.links(), [link])
  })

  check('addresses end in the peer id', async (bench) => {
    const [a] = await pair(bench)
    assert.ok(a.addresses().length > 0)
    for (const address of a.addresses()) assert.ok(address.endsWith(`/p2p/${a.self}`), address)
  })

  check('dialling a linked peer returns the same link', async (bench) => {
    const [a, b] = await pair(bench)
    const first = await a.dial(b.self, b.addresses())
    assert.equal(await a.dial(b.self, []), first)
  })

  check('two dials to one peer at once make one connection', async (bench) => {
    const [a, b] = await pair(bench)
    const links = await Promise.all([a.dial(b.self, b.addresses()), a.dial(b.self, b.addresses())])
    assert.equal(links[0], links[1])
    assert.equal(a.status().figures?.connections, 1)
  })

  check('peers that dial each other at once have one link each, and no flapping', async (bench) => {
    const [a, b] = await pair(bench)
    const log: string[] = []
    for (const peer of [a, b]) {
      peer.events.on('peer:connect', () => log.push('connect'))
      peer.events.on('peer:disconnect', () => log.push('disconnect'))
      serveEcho(peer)
    }
    await Promise.all([a.dial(b.self, b.addresses()), b.dial(a.self, a.addresses())])
    await Promise.all([echo(a, b.self, 'from a'), echo(b, a.self, 'from b')])
    await bench.elapse(11_000)
    await Promise.all([echo(a, b.self, 'from a'), echo(b, a.self, 'from b')])
    assert.deepEqual(log, ['connect', 'connect'])
    assert.equal(a.links().length, 1)
    assert.equal(b.links().length, 1)
  })

  check('another identity at the address is refused', async (bench) => {
    const [a, b] = await pair(bench)
    const stranger = peerIdOfKey(new Uint8Array(32).fill(9))
    const [address] = b.addresses().map(withoutPeer)
    assert.ok(address)
    await rejects(a.dial(stranger, [address]), 'ERR_WRONG_PEER')
    assert.deepEqual(a.links(), [])
  })

  check('an address where nothing listens is named with the reason', async (bench) => {
    const [a, b] = await pair(bench)
    const error = await rejects(a.dial(b.self, [bench.deadAddress]), 'ERR_UNREACHABLE')
    assert.deepEqual((error as { failures?: unknown }).failures, [
      { address: bench.deadAddress, code: 'ERR_UNREACHABLE', reason: bench.deadReason },
    ])
  })

  check('one good address among bad ones is enough', async (bench) => {
    const [a, b] = await pair(bench)
    const link = await a.dial(b.self, [bench.deadAddress, 'nonsense', ...b.addresses()])
    assert.equal(link.peer, b.self)
  })

  check('without a usable address there is nothing to dial', async (bench) => {
    const [a, b] = await pair(bench)
    await rejects(a.dial(b.self, ['nonsense', `${bench.deadAddress}/p2p/${a.self}`]), 'ERR_UNREACHABLE')
    await rejects(a.dial(a.self, a.addresses()), 'ERR_INVALID_ARGUMENT')
  })

  check('a silent address times out', async (bench) => {
    const [a, b] = await pair(bench)
    const failure = rejects(a.dial(b.self, [bench.silentAddress]), 'ERR_TIMEOUT')
    await bench.elapse(10_000)
    await failure
  })

  check('a dial can be given up', async (bench) => {
    const [a, b] = await pair(bench)
    const abort = new AbortController()
    const dialling = a.dial(b.self, [bench.silentAddress], { signal: abort.signal })
    const reason = new Error('changed my mind')
    abort.abort(reason)
    await assert.rejects(dialling, reason)
    assert.equal((await a.dial(b.self, b.addresses())).peer, b.self)
  })

  check('disconnect ends the link on both sides and what runs on it', async (bench) => {
    const [a, b] = await linkedPair(bench)
    const received = Promise.withResolvers<Channel>()
    b.handle(ECHO, MANY, async (channel) => received.resolve(channel))
    const here = await a.open(b.self, ECHO)
    await here.send(Uint8Array.of(1))
    const there = await received.promise
    await there.read()
    const reads = [rejects(here.read(), 'ERR_CHANNEL_CLOSED'), rejects(readAll(there), 'ERR_CHANNEL_CLOSED')]
    const sends = rejects(sendUntilFull(here), 'ERR_CHANNEL_CLOSED')
    const events = [nextEvent(a, 'peer:disconnect'), nextEvent(b, 'peer:disconnect')] as const
    await a.disconnect(b.self, 'test is over')
    assert.deepEqual(await events[0], { peer: b.self, reason: 'test is over' })
    assert.equal((await events[1]).peer, a.self)
    await Promise.all([...reads, sends, here.closed, there.closed])
    assert.deepEqual(a.links(), [])
    assert.deepEqual(b.links(), [])
    await rejects(a.open(b.self, ECHO), 'ERR_NOT_CONNECTED')
  })
}

function lifeChecks(check: Check): void {
  check('start and stop may be called twice', async (bench) => {
    const a = await bench.peer()
    assert.equal(a.status().state, 'stopped')
    await Promise.all([a.start(), a.start()])
    await a.start()
    assert.equal(a.status().state, 'ok')
    await Promise.all([a.stop(), a.stop()])
    await a.stop()
    assert.equal(a.status().state, 'stopped')
    await rejects(a.dial(peerIdOfKey(new Uint8Array(32)), [bench.deadAddress]), 'ERR_LIFECYCLE')
  })

  check('stop with open channels ends them and is seen by the peer', async (bench) => {
    const [a, b] = await linkedPair(bench)
    serveEcho(b)
    const channels = await Promise.all([a.open(b.self, ECHO), a.open(b.self, ECHO)])
    const pending = channels.map((channel) => rejects(channel.read(), 'ERR_CHANNEL_CLOSED'))
    const gone = nextEvent(b, 'peer:disconnect')
    await a.stop()
    await Promise.all(pending)
    assert.equal((await gone).peer, a.self)
  })

  check('a peer comes back at the same address', async (bench) => {
    const [a, b] = await linkedPair(bench)
    const addresses = b.addresses()
    const gone = nextEvent(a, 'peer:disconnect')
    await b.stop()
    await gone
    const back = await bench.again(b, addresses)
    await back.start()
    serveEcho(back)
    assert.deepEqual(back.addresses(), addresses)
    await a.dial(back.self, addresses)
    await echo(a, back.self, 'again')
  })

  check('the same transport starts again', async (bench) => {
    const [a, b] = await linkedPair(bench)
    serveEcho(b)
    const gone = nextEvent(a, 'peer:disconnect')
    await b.stop()
    await gone
    await b.start()
    await a.dial(b.self, b.addresses())
    await echo(a, b.self, 'again')
  })
}
