import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesOfHex, encodeCbor, type PeerId, type SpaceId } from '../../../src/base/index.ts'
import { encodeFrames, type Frame } from '../../../src/records/index.ts'
import { encodeForks } from '../../../src/sync/fork-wire.ts'
import { PARTS_BYTES } from '../../../src/sync/range-tree.ts'
import {
  decodeRangeRequest,
  decodeSinceAnswer,
  decodeSinceRequest,
  encodeRangeAnswer,
  encodeSinceAnswer,
  encodeSinceRequest,
} from '../../../src/sync/range-wire.ts'
import { claimOf } from '../../../src/sync/spread.ts'
import {
  type Claim,
  decodeHello,
  decodeWant,
  encodeHave,
  encodeHaveRequest,
  encodeHello,
  encodeRec,
  encodeWant,
  type Hello,
  type Want,
} from '../../../src/sync/wire.ts'
import type { Peer } from '../../support/peer.ts'
import { figure, holdings, Neighbourhood, texts } from './neighbourhood.ts'

interface Lies {
  readonly claims?: readonly Claim[]
  /** What its HELLO says. */
  readonly hello?: (honest: Hello) => Partial<Hello>
  readonly onWant?: (want: Want, from: PeerId) => Promise<void> | void
  /** Its answers to other questions, by kind. */
  readonly answers?: Readonly<Record<string, (body: Uint8Array) => Uint8Array>>
}

const FALSE_SUM: Uint8Array = new Uint8Array(32).fill(7)

/** Replaces the sync of a member by one that lies. */
async function turn(town: Neighbourhood, liar: Peer, space: SpaceId, lies: Lies): Promise<void> {
  await town.until(liar.sync.stop())
  const { bus } = liar
  const durable = { fingerprint: FALSE_SUM, logs: 3, records: 3, keeps: 'bodies' as const }
  bus.respond('sync.hello', async (body) => {
    const asked = decodeHello(body)
    // A store that nobody has followed.
    const hello = { ...asked, holds: { ...asked.holds, durable } }
    return encodeHello({ ...hello, ...lies.hello?.(hello) })
  })
  if (lies.answers?.['sync.have'] === undefined) {
    bus.respond('sync.have', async () => {
      return encodeHave({ space, claims: lies.claims ?? [], more: false, fingerprint: FALSE_SUM })
    })
  }
  for (const [kind, answer] of Object.entries(lies.answers ?? {})) bus.respond(kind, async (body) => answer(body))
  bus.receive('sync.want', ({ from, body }) => lies.onWant?.(decodeWant(body), from))
}

/** A REC that ends a WANT, with whatever is in it. */
function rec(liar: Peer, to: PeerId, { space, want }: Want, frames: readonly Frame[]): Promise<void> {
  const body = encodeRec({ space, want, last: true, frames: encodeFrames(frames) })
  return liar.bus.send(to, 'sync.rec', body, { priority: 'low' })
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

test('sums that do not fit what is claimed log by log are a contradiction', async () => {
  await using town = new Neighbourhood(31)
  const { space, peers } = await town.village(3)
  const [honest, liar, other] = [peers[0]!, peers[1]!, peers[2]!]
  await town.think(other, space, 'one')
  await town.think(liar, space, 'two')
  await town.run(1_000)
  let asked = 0
  const claims = liar.journal.heads(space).filter(({ log }) => log.startsWith('01'))
  await turn(town, liar, space, {
    hello: ({ holds }) => ({ holds: { ...holds, durable: { ...holds.durable!, logs: claims.length } } }),
    answers: {
      'sync.have': () => {
        asked++
        return encodeHave({ space, claims: claims.map(claimOf), more: false, fingerprint: FALSE_SUM })
      },
    },
  })
  await town.run(3_600_000)
  assert.ok(figure(honest, 'fault:contradiction') >= 3)
  assert.ok(asked < 200, `${asked} questions in an hour`)
  assert.deepEqual(texts(honest, space).toSorted(), ['one', 'two'])
})

test('ranges that differ for ever end with the walk, and their teller is cut off', async () => {
  for (const how of ['split', 'rest', 'elsewhere'] as const) {
    await using town = new Neighbourhood(32)
    const { space, peers } = await town.village(2)
    const [honest, liar] = [peers[0]!, peers[1]!]
    for (let incarnation = 0; incarnation < 40; incarnation++) {
      await town.think(honest, space, `${incarnation}`)
      honest.journal.database.exec('DELETE FROM own_log WHERE class = 1')
    }
    await town.run(1_000)
    let asked = 0
    const odd = new Uint8Array(PARTS_BYTES)
    await turn(town, liar, space, {
      hello: ({ holds, position }) => ({
        position: position + 1,
        holds: { ...holds, durable: { ...holds.durable!, logs: 45 } },
      }),
      answers: {
        'sync.since': () => encodeSinceAnswer({ space, news: undefined }),
        'sync.range': (body) => {
          asked++
          odd.fill(asked)
          const { nodes } = decodeRangeRequest(body)
          const parts = nodes.flatMap(({ prefix, parts: own }) => {
            return own === undefined ? [prefix] : Array.from({ length: 16 }, (_, n) => prefix + n.toString(16))
          })
          const split = how === 'elsewhere' ? ['ffffff'] : how === 'split' ? parts.slice(0, 64) : []
          const rest = how === 'rest' ? parts : []
          const answer = { nodes: split.map((prefix) => ({ prefix, parts: odd })), listed: [], claims: [], rest }
          return encodeRangeAnswer({ space, ...answer })
        },
      },
    })
    await town.run(3_600_000)
    assert.ok(figure(honest, 'fault:contradiction') >= 3 || asked < 300, how)
    assert.ok(asked < 3_000, `${how}: ${asked} questions in an hour`)
    if (how !== 'split') assert.ok(figure(honest, 'peersCutOff') === 1 || figure(honest, 'fault:contradiction') > 3)
  }
})

test('news without end, and a cursor of another store', async () => {
  await using town = new Neighbourhood(33)
  const { space, peers } = await town.village(2)
  const [honest, liar] = [peers[0]!, peers[1]!]
  await town.run(200_000)
  let asked = 0
  await turn(town, liar, space, {
    hello: ({ position }) => ({ storeId: liar.journal.storeId, position: position + 2 ** 40 }),
    answers: {
      'sync.since': (body) => {
        asked++
        const { rid } = decodeSinceRequest(body)
        return encodeSinceAnswer({ space, news: { claims: [], through: rid + 1, more: true } })
      },
    },
  })
  await town.run(600_000)
  assert.ok(figure(honest, 'fault:contradiction') >= 3)
  assert.ok(asked < 30, `${asked} questions`)
  // The other way round: what a liar asks about a store that is not this one, or of a time to come.
  const ask = async (storeId: Uint8Array, rid: number): Promise<unknown> => {
    const question = encodeSinceRequest({ space, storeId, rid })
    return decodeSinceAnswer(await town.until(liar.bus.request(honest.id, 'sync.since', question))).news
  }
  assert.equal(await ask(new Uint8Array(16), 1), undefined)
  assert.equal(await ask(honest.journal.storeId, honest.journal.lastRid + 1), undefined)
  assert.notEqual(await ask(honest.journal.storeId, 0), undefined)
})

test('proofs of forks that prove nothing freeze nobody', async () => {
  await using town = new Neighbourhood(34)
  const { space, peers } = await town.village(3)
  const [honest, liar, author] = [peers[0]!, peers[1]!, peers[2]!]
  await town.think(author, space, 'one', 'two')
  await town.run(1_000)
  const [first, second] = framesOf(liar, space, author.id)
  const head = liar.journal.heads(space).find((one) => one.author === author.id && one.log.startsWith('01'))!
  const [a, b] = [first!, second!]
  const proof = { headerA: a.header, signatureA: a.signature, headerB: b.header, signatureB: b.signature }
  await turn(town, liar, space, {
    hello: () => ({ forks: { count: 1, fingerprint: FALSE_SUM } }),
    answers: { 'sync.forks': () => encodeForks({ space, forks: [{ ...head, proof }], more: false }) },
  })
  await town.run(600_000)
  assert.ok(figure(honest, 'fault:false-proof') >= 3)
  await town.think(author, space, 'three')
  await town.run(1_000)
  assert.deepEqual(texts(honest, space), ['one', 'two', 'three'])
})

test('other records than those asked for, old ones again, and stretches with holes', async () => {
  for (const how of ['replay', 'holes'] as const) {
    await using town = new Neighbourhood(35)
    const { space, peers } = await town.village(3)
    const [late, liar, author] = [peers[0]!, peers[1]!, peers[2]!]
    await town.think(author, space, 'old')
    await town.run(1_000)
    town.network.partition([late.id], [liar.id, author.id])
    await town.think(author, space, ...Array.from({ length: 20 }, (_, n) => `n ${n}`))
    await town.run(5_000)
    const frames = framesOf(liar, space, author.id)
    assert.equal(frames.length, 21)
    const head = liar.journal.heads(space).find((one) => one.author === author.id && one.log.startsWith('01'))!
    let wants = 0
    const sent = how === 'replay' ? frames.slice(0, 1) : frames.filter((_, index) => index === 1 || index > 10)
    await turn(town, liar, space, {
      claims: [claimOf(head)],
      onWant: (want, from) => {
        wants++
        return rec(liar, from, want, sent)
      },
    })
    town.network.heal()
    town.network.partition([author.id], [liar.id, late.id])
    await town.link(late, liar)
    await town.run(1_200_000)
    assert.ok(wants > 0 && wants < 30, `${how}: ${wants} questions in twenty minutes`)
    assert.ok(figure(late, how === 'replay' ? 'fault:unasked' : 'fault:gap') > 0, how)
    town.network.heal()
    await town.link(late, author)
    await town.run(300_000)
    assert.equal(texts(late, space).length, 21, 'the author has them')
  }
})

test('a flood of questions is answered up to a measure', async () => {
  await using town = new Neighbourhood(36)
  const { space, peers } = await town.village(2)
  const [honest, liar] = [peers[0]!, peers[1]!]
  const question = encodeHaveRequest({ space, group: 'durable', after: undefined })
  const outcomes: PromiseSettledResult<Uint8Array>[] = []
  for (let round = 0; round < 10; round++) {
    const asked = Array.from({ length: 60 }, () => liar.bus.request(honest.id, 'sync.have', question))
    outcomes.push(...(await town.until(Promise.allSettled(asked))))
  }
  const refused = outcomes.filter(({ status }) => status === 'rejected').length
  assert.ok(refused > 200 && refused < 400, `${refused} of 600 refused`)
  assert.equal(figure(honest, 'questionsRefused'), refused)
  await town.run(10_000)
  await town.until(liar.bus.request(honest.id, 'sync.have', question))
})

test('a peer of another version is told so, and is not to blame', async () => {
  await using town = new Neighbourhood(37)
  const { space, peers } = await town.village(2)
  const [honest, old] = [peers[0]!, peers[1]!]
  const empty = [new Uint8Array(32), 0, 0]
  const hello = encodeCbor([1, bytesOfHex(space), new Uint8Array(16), empty, empty])
  for (let round = 0; round < 5; round++) {
    await assert.rejects(town.until(old.bus.request(honest.id, 'sync.hello', hello)), /version 1 of a protocol/)
    await town.until(old.bus.send(honest.id, 'sync.done', hello))
  }
  await town.run(1_000)
  assert.equal(figure(honest, 'peersCutOff'), 0)
  assert.equal(figure(honest, 'otherVersions'), 10)
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
