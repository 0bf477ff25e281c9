import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId, SpaceId } from '../../../src/base/index.ts'
import { encodeFrames, type Frame } from '../../../src/records/index.ts'
import {
  type Claim,
  decodeHello,
  decodeWant,
  encodeHave,
  encodeHello,
  encodeRec,
  encodeWant,
  type Want,
} from '../../../src/sync/wire.ts'
import type { Peer } from '../../support/peer.ts'
import { figure, holdings, Neighbourhood, texts } from './neighbourhood.ts'

interface Lies {
  readonly claims?: readonly Claim[]
  readonly onWant?: (want: Want, from: PeerId) => Promise<void> | void
}

/** Replaces the sync of a member by one that lies. */
async function turn(town: Neighbourhood, liar: Peer, space: SpaceId, lies: Lies): Promise<void> {
  await town.until(liar.sync.stop())
  const { bus } = liar
  const durable = { fingerprint: new Uint8Array(32).fill(7), logs: 3, records: 3, keeps: 'bodies' as const }
  bus.respond('sync.hello', async (body) => {
    const hello = decodeHello(body)
    return encodeHello({ ...hello, holds: { ...hello.holds, durable } })
  })
  bus.respond('sync.have', async () => {
    return encodeHave({ space, claims: lies.claims ?? [], more: false, fingerprint: durable.fingerprint })
  })
  bus.receive('sync.want', ({ from, body }) => lies.onWant?.(decodeWant(body), from))
}

function claim(author: PeerId, number: number, seq: number): Claim {
  return { author, log: `01${number.toString(16).padStart(14, '0')}`, base: 1, seq, shortId: '00'.repeat(8) }
}

function framesOf(peer: Peer, space: SpaceId, author: PeerId): readonly Frame[] {
  const head = peer.journal.heads(space).find((one) => one.author === author && one.log.startsWith('01'))
  return head === undefined ? [] : peer.journal.frames(space, author, head.log, 1, head.seq)
}

test('a peer that claims what it does not have costs a few questions and is cut off', async () => {
  await using town = new Neighbourhood(11)
  const { space, peers } = await town.village(3)
  const [honest, liar] = [peers[0]!, peers[1]!]
  let wants = 0
  const claims = Array.from({ length: 2_000 }, (_, index) => claim(liar.id, index, 1_000_000))
  await turn(town, liar, space, {
    claims,
    onWant: async (want, from) => {
      wants++
      const body = encodeRec({ space, want: want.want, last: true, frames: encodeFrames([]) })
      await liar.bus.send(from, 'sync.rec', body, { priority: 'low' })
    },
  })
  await town.until(honest.sync.syncNow(space))
  await town.run(300_000)
  assert.ok(figure(honest, 'fault:short') >= 3)
  assert.ok(wants < 30, `${wants} questions were asked`)
  await town.think(peers[2]!, space, 'life goes on')
  await town.run(5_000)
  assert.deepEqual(texts(honest, space), ['life goes on'])
})

test('records that nobody asked for are not taken, and their sender is cut off', async () => {
  await using town = new Neighbourhood(12)
  const { space, peers } = await town.village(3)
  const [honest, liar] = [peers[0]!, peers[1]!]
  await town.think(liar, space, 'one', 'two')
  await town.run(1_000)
  const frames = framesOf(liar, space, liar.id)
  await turn(town, liar, space, {})
  for (let want = 1; want <= 5; want++) {
    const body = encodeRec({ space, want: 1_000 + want, last: false, frames: encodeFrames(frames) })
    await town.until(liar.bus.send(honest.id, 'sync.rec', body, { priority: 'low' }))
  }
  await town.run(1_000)
  assert.ok(figure(honest, 'fault:unasked') >= 3)
  assert.equal(figure(honest, 'peersCutOff'), 1)
  assert.deepEqual(texts(honest, space), ['one', 'two'], 'what it wrote before is kept')
})

test('forged live records are refused and their sender is cut off, while those of others keep coming', async () => {
  await using town = new Neighbourhood(13)
  const { space, peers } = await town.village(3)
  const [honest, liar, other] = [peers[0]!, peers[1]!, peers[2]!]
  await town.think(other, space, 'genuine')
  await town.run(1_000)
  const [frame] = framesOf(other, space, other.id)
  await turn(town, liar, space, {})
  const forged = { ...frame!, signature: new Uint8Array(64).fill(1), header: frame!.header.slice() }
  forged.header[120]! ^= 1
  for (let round = 0; round < 5; round++) {
    await town.until(liar.bus.publish(`space/${space}/records`, 'record.live', encodeFrames([forged])))
    await town.think(other, space, `genuine ${round}`)
    await town.run(500)
  }
  assert.equal(figure(honest, 'peersCutOff'), 1)
  assert.equal(texts(honest, space).length, 6)
  assert.equal(holdings(honest, space), holdings(other, space))
})

test('what a silent or lying peer does not deliver is fetched from another', async () => {
  for (const behaviour of ['silent', 'forging'] as const) {
    await using town = new Neighbourhood(14)
    const { space, peers } = await town.village(4)
    const [late, liar, author, witness] = [peers[0]!, peers[1]!, peers[2]!, peers[3]!]
    await town.kill(1)
    await town.think(author, space, ...Array.from({ length: 300 }, (_, index) => `n ${index}`))
    await town.run(10_000)
    const frames = framesOf(liar, space, author.id)
    assert.equal(frames.length, 256)
    const head = liar.journal.heads(space).find((one) => one.author === author.id && one.log.startsWith('01'))!
    await turn(town, liar, space, {
      claims: [{ author: author.id, log: head.log, base: 1, seq: head.seq, shortId: head.id.slice(0, 16) }],
      onWant: async (want, from) => {
        if (behaviour === 'silent') return
        const forged = frames.map((frame) => ({ ...frame, body: new Uint8Array(20) }))
        const body = encodeRec({ space, want: want.want, last: true, frames: encodeFrames(forged) })
        await liar.bus.send(from, 'sync.rec', body, { priority: 'low' })
      },
    })
    await town.kill(3)
    const back = await town.start(1)
    assert.equal(back.id, late.id)
    await town.link(back, liar)
    await town.run(3_000)
    await town.link(back, witness)
    await town.run(60_000)
    assert.equal(texts(back, space).length, 300, behaviour)
    assert.equal(holdings(back, space), holdings(witness, space))
    assert.ok(figure(back, behaviour === 'silent' ? 'fault:silent' : 'fault:bad-records') > 0)
  }
})

test('messages that cannot be read are counted, and their sender is cut off', async () => {
  await using town = new Neighbourhood(15)
  const { space, peers } = await town.village(2)
  const [honest, liar] = [peers[0]!, peers[1]!]
  await turn(town, liar, space, {})
  for (const kind of ['sync.want', 'sync.rec', 'sync.done', 'sync.have']) {
    const priority = kind === 'sync.rec' ? 'low' : 'normal'
    await town.until(liar.bus.send(honest.id, kind, new Uint8Array([0x82, 0x02, 0x05]), { priority }))
  }
  await assert.rejects(town.until(liar.bus.request(honest.id, 'sync.hello', new Uint8Array([0xff]))), /cannot be read/)
  await town.run(1_000)
  assert.ok(figure(honest, 'fault:malformed') >= 5)
  assert.equal(figure(honest, 'peersCutOff'), 1)
})

test('a device that is no member of a space gets nothing of it', async () => {
  await using town = new Neighbourhood(16)
  const { peers } = await town.village(2)
  const [host, guest] = [peers[0]!, peers[1]!]
  const secret = await town.until(host.spaces.create({ name: 'secret', personal: false }))
  await town.think(host, secret.id, 'not for you')
  const hello = encodeHello({
    space: secret.id,
    storeId: guest.journal.storeId,
    position: 0,
    holds: {},
    forks: { count: 0, fingerprint: new Uint8Array(32) },
  })
  await assert.rejects(town.until(guest.bus.request(host.id, 'sync.hello', hello)), /not a member/)
  const head = host.journal.heads(secret.id)[0]!
  const want = {
    space: secret.id,
    want: 1,
    headersOnly: false,
    ranges: [{ author: head.author, log: head.log, from: 1, to: 1 }],
  }
  await town.until(guest.bus.send(host.id, 'sync.want', encodeWant(want)))
  await town.run(2_000)
  assert.equal(figure(host, 'fromStrangers'), 2)
  assert.deepEqual(guest.journal.heads(secret.id), [])
})
