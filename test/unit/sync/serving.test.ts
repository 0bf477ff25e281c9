import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PeerId, type SpaceId, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import type { Bus } from '../../../src/bus/index.ts'
import { decodeFrames, LOG_CLASS, RUN_MAX_FRAMES } from '../../../src/records/index.ts'
import { REC_TARGET_MAX_BYTES, Serving } from '../../../src/sync/serving.ts'
import { decodeRec, type Range, type Rec } from '../../../src/sync/wire.ts'
import { type DurableHalf, durableHalf } from '../../support/durable-half.ts'

const asker = 'asker' as PeerId

/** A bus that keeps what is sent, and says when the sender may go on. */
function lane(): { readonly bus: Bus; readonly recs: Rec[]; next(): Promise<void>; break(): void } {
  const recs: Rec[] = []
  let waiting = Promise.withResolvers<void>()
  let arrived = Promise.withResolvers<void>()
  const send: Bus['send'] = async (_peer, _kind, body) => {
    recs.push(decodeRec(body))
    arrived.resolve()
    await waiting.promise
  }
  return {
    bus: { send } as Bus,
    recs,
    next: async () => {
      await arrived.promise
      arrived = Promise.withResolvers()
      waiting.resolve()
      waiting = Promise.withResolvers()
    },
    break: () => waiting.reject(new Error('the lane broke')),
  }
}

async function written(sizes: readonly number[]): Promise<{ peer: DurableHalf; space: SpaceId; range: Range }> {
  const peer = durableHalf({ name: 'peer', seed: 1, clock: new VirtualClock() })
  const space = (await peer.spaces.create({ name: 'lab', personal: false })).id
  const drafts = sizes.map((size) => ({ space, class: LOG_CLASS.durable, kind: 64, body: { text: 'x'.repeat(size) } }))
  const [first] = await peer.journal.appendAll(drafts)
  return { peer, space, range: { author: first!.author, log: first!.log, from: 1, to: sizes.length } }
}

function serving(peer: DurableHalf, bus: Bus, serves = true): Serving {
  return new Serving({
    bus,
    clock: new VirtualClock(),
    journal: peer.journal,
    log: silentLogger(),
    serves: (_peer, _space, log) => log === undefined || serves,
  })
}

async function drained(of: ReturnType<typeof lane>): Promise<readonly Rec[]> {
  while (of.recs.at(-1)?.last !== true) await of.next()
  return of.recs
}

test('a WANT is served in batches that leave room for others in the credit of a lane', async () => {
  const { peer, space, range } = await written(Array.from({ length: 600 }, (_, index) => (index % 7) * 200))
  const line = lane()
  serving(peer, line.bus).take(asker, { space, want: 3, headersOnly: false, ranges: [range] })
  const recs = await drained(line)
  assert.deepEqual(
    recs.flatMap(({ frames }) => decodeFrames(frames)).map(({ header }) => Buffer.from(header).toString('hex')),
    [
      ...peer.journal.frames(space, range.author, range.log, 1, 256),
      ...peer.journal.frames(space, range.author, range.log, 257, 512),
      ...peer.journal.frames(space, range.author, range.log, 513, 600),
    ].map(({ header }) => Buffer.from(header).toString('hex')),
  )
  for (const { frames, want, last } of recs) {
    assert.equal(want, 3)
    assert.ok(frames.byteLength < 2 * REC_TARGET_MAX_BYTES)
    assert.ok(decodeFrames(frames).length <= RUN_MAX_FRAMES)
    assert.equal(last, frames === recs.at(-1)?.frames)
  }
  peer[Symbol.dispose]()
})

test('the largest records fit, one to a batch', async () => {
  const { peer, space, range } = await written([65_000, 65_000, 65_000])
  const line = lane()
  serving(peer, line.bus).take(asker, { space, want: 1, headersOnly: false, ranges: [range] })
  const recs = await drained(line)
  assert.equal(recs.flatMap(({ frames }) => decodeFrames(frames)).length, 3)
  peer[Symbol.dispose]()
})

test('what is not held or not to be served is answered with an empty end', async () => {
  const { peer, space, range } = await written([10])
  for (const [serves, ranges] of [
    [true, [{ ...range, from: 5, to: 9 }]],
    [true, [{ ...range, log: '01ffffffffffffff' }]],
    [false, [range]],
  ] as const) {
    const line = lane()
    serving(peer, line.bus, serves).take(asker, { space, want: 1, headersOnly: false, ranges })
    const [rec] = await drained(line)
    assert.deepEqual([rec?.last, decodeFrames(rec!.frames).length], [true, 0])
  }
  peer[Symbol.dispose]()
})

test('one WANT of a peer is served at a time, and a peer that is gone is forgotten', async () => {
  const { peer, space, range } = await written(Array.from({ length: 300 }, () => 1_000))
  const line = lane()
  const service = serving(peer, line.bus)
  service.take(asker, { space, want: 1, headersOnly: false, ranges: [range] })
  service.take(asker, { space, want: 2, headersOnly: false, ranges: [range] })
  await line.next()
  await line.next()
  assert.ok(line.recs.every(({ want }) => want === 1))
  service.forget(asker)
  const sent = line.recs.length
  line.break()
  await Promise.resolve()
  assert.ok(line.recs.length <= sent + 1)
  service.take(asker, { space, want: 9, headersOnly: false, ranges: [{ ...range, to: 1 }] })
  const recs = await drained(line)
  assert.equal(recs.at(-1)?.want, 9)
  peer[Symbol.dispose]()
})
