import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  hexOf,
  type PeerId,
  peerIdOfKey,
  type Random,
  type RecordId,
  randomInt,
  type SpaceId,
  seededRandom,
} from '../../../src/base/index.ts'
import type { LogHead } from '../../../src/records/index.ts'
import { CatchUp, WANTS_IN_FLIGHT } from '../../../src/sync/catch-up.ts'
import type { CatchUpEffect, CatchUpEvent } from '../../../src/sync/catch-up-events.ts'
import type { Cursor } from '../../../src/sync/comparison.ts'
import { GROUPS, LogIndex, logKey } from '../../../src/sync/log-index.ts'
import { answerRanges } from '../../../src/sync/range-answer.ts'
import { WANT_MAX_FRAMES } from '../../../src/sync/shares.ts'
import { claimOf } from '../../../src/sync/spread.ts'
import { NO_FORKS, type Range, WANT_MAX_RANGES } from '../../../src/sync/wire.ts'

const SPACE = 'ab'.repeat(32) as SpaceId
const PEERS: readonly PeerId[] = [11, 12, 13, 14].map((seed) => peerIdOfKey(new Uint8Array(32).fill(seed)))
const AUTHORS: readonly PeerId[] = [1, 2, 3].map((seed) => peerIdOfKey(new Uint8Array(32).fill(seed)))

const logs = fc.uniqueArray(
  fc.record({
    author: fc.constantFrom(...AUTHORS),
    log: fc.constantFrom('0000000000000001', '0100000000000001', '0100000000000002', '0200000000000001'),
    /** Records that each of the peers holds; the first number is ours. */
    held: fc.tuple(fc.nat(6_000), fc.nat(6_000), fc.nat(6_000), fc.nat(6_000), fc.nat(6_000)),
  }),
  { selector: logKey, minLength: 1, maxLength: 10 },
)

const orders = fc.shuffledSubarray([...PEERS], { minLength: 1 })

const STORE_ID = new Uint8Array(16)
const POSITION = 5_000

function headOf(author: PeerId, log: string, seq: number): LogHead {
  return { author, log, base: 1, seq, id: seq.toString(16).padStart(64, '0') as RecordId }
}

/** A world in which everyone but us is a table of heads, and the network delivers in any order it likes. */
class World {
  readonly ours: LogIndex
  readonly theirs: ReadonlyMap<PeerId, LogIndex>
  readonly machine: CatchUp
  inbox: { readonly peer: PeerId; readonly deliver: () => CatchUpEvent }[] = []
  readonly asked = new Map<string, PeerId>()
  readonly random: Random
  now = 1
  steps = 0
  readonly cursors = new Map<PeerId, Cursor>()

  constructor(held: readonly { author: PeerId; log: string; held: readonly number[] }[], seed: number) {
    const of = (place: number): LogIndex =>
      new LogIndex(
        held
          .filter(({ held: counts }) => (counts[place] ?? 0) > 0)
          .map((one) => headOf(one.author, one.log, one.held[place] ?? 0)),
        () => true,
      )
    this.ours = of(0)
    this.theirs = new Map(PEERS.map((peer, index) => [peer, of(index + 1)]))
    this.random = seededRandom(seed)
    this.machine = new CatchUp({
      self: PEERS[0] as PeerId,
      index: this.ours,
      head: (key) => this.ours.head(key),
      admits: () => true,
      endOf: () => undefined,
      keeping: () => 'bodies',
      forks: () => NO_FORKS,
      cursor: (peer) => this.cursors.get(peer),
    })
  }

  handle(event: CatchUpEvent): void {
    for (const effect of this.machine.handle(event, this.now)) this.carryOut(effect)
  }

  carryOut(effect: CatchUpEffect): void {
    if (effect.do === 'retry-parked') return
    const { peer } = effect
    const index = this.theirs.get(peer) as LogIndex
    if (effect.do === 'ask-hello') {
      const holds = Object.fromEntries(
        GROUPS.map((group) => [group, { ...index.summary(group), keeps: 'bodies' as const }]),
      )
      const theirs = { storeId: STORE_ID, position: POSITION, holds, forks: NO_FORKS }
      this.inbox.push({ peer, deliver: () => ({ on: 'hello', peer, theirs }) })
    } else if (effect.do === 'ask-have') {
      const { heads, more } = index.page(effect.group, effect.after, 3)
      const { fingerprint } = index.summary(effect.group)
      this.inbox.push({ peer, deliver: () => ({ on: 'have', peer, claims: heads.map(claimOf), more, fingerprint }) })
    } else if (effect.do === 'ask-range') {
      const answer = answerRanges(index, { space: SPACE, group: effect.group, nodes: effect.nodes })
      this.inbox.push({ peer, deliver: () => ({ on: 'range', peer, answer }) })
    } else if (effect.do === 'ask-since') this.tellNews(peer, index, effect.rid)
    else if (effect.do === 'keep-cursor') this.keepCursor(peer, index)
    else if (effect.do === 'send-want') this.serve(peer, effect.want, effect.ranges)
    else if (effect.do === 'blame') assert.fail(`an honest peer was blamed: ${effect.fault}`)
  }

  /** All that we lack is news, and some that we do not lack; in two pages. */
  tellNews(peer: PeerId, index: LogIndex, rid: number): void {
    const heads = GROUPS.flatMap((group) => index.page(group, undefined, 1_000).heads)
    const isNews = (head: LogHead): boolean => head.seq > (this.ours.head(logKey(head))?.seq ?? 0)
    const news = heads.filter((head) => isNews(head) || this.random.unit() < 0.3)
    const isFirst = rid < POSITION / 2
    const half = isFirst ? news.slice(0, 2) : news
    const through = isFirst ? POSITION / 2 : POSITION
    const page = { claims: half.map(claimOf), through, more: isFirst }
    this.inbox.push({ peer, deliver: () => ({ on: 'since', peer, news: page }) })
  }

  /** A cursor says that we hold what the peer does. */
  keepCursor(peer: PeerId, index: LogIndex): void {
    for (const group of GROUPS) {
      for (const head of index.page(group, undefined, 1_000).heads) {
        assert.ok((this.ours.head(logKey(head))?.seq ?? 0) >= head.seq, 'a cursor was kept too early')
      }
    }
    this.cursors.set(peer, { storeId: hexOf(STORE_ID), rid: POSITION })
  }

  /** Says something unasked, true and perhaps old. */
  chatter(): void {
    const peer = PEERS[randomInt(this.random, PEERS.length)] as PeerId
    const index = this.theirs.get(peer) as LogIndex
    const holds = Object.fromEntries(
      GROUPS.map((group) => [group, { ...index.summary(group), keeps: 'bodies' as const }]),
    )
    const heads = index.page('durable', undefined, 1_000).heads
    const what = this.random.unit()
    if (what < 0.3) this.handle({ on: 'begin', peer, lately: what < 0.15 })
    else if (what < 0.6) {
      const theirs = { storeId: STORE_ID, position: POSITION, holds, forks: NO_FORKS }
      this.handle({ on: 'heard', peer, theirs, answered: what < 0.45 })
    } else this.handle({ on: 'news', peer, claims: heads.slice(0, 3).map(claimOf), more: what < 0.8 })
  }

  /** Delivers a WANT in up to three parts; checks that nobody else was asked for the same records. */
  serve(peer: PeerId, want: number, ranges: readonly Range[]): void {
    const frames = ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0)
    assert.ok(frames <= WANT_MAX_FRAMES && ranges.length <= WANT_MAX_RANGES && frames > 0)
    for (const range of ranges) {
      const owner = this.asked.get(logKey(range))
      assert.ok(owner === undefined || owner === peer, 'two peers were asked for one log at a time')
      this.asked.set(logKey(range), peer)
    }
    const deliver = (): CatchUpEvent => {
      for (const range of ranges) {
        this.asked.delete(logKey(range))
        const held = this.ours.head(logKey(range))?.seq ?? 0
        assert.equal(range.from, held + 1, 'records are asked for in their order')
        this.ours.advance(headOf(range.author, range.log, range.to))
      }
      return { on: 'rec', peer, want, frames, stored: frames, last: true }
    }
    this.inbox.push({ peer, deliver })
  }

  /** Lets one message arrive, or one peer fail: of one peer messages arrive in order, of several in any order. */
  step(failures: number): void {
    this.steps++
    this.now += randomInt(this.random, 50)
    if (this.inbox.length === 0) {
      this.now += 10_000
      this.handle({ on: 'tick' })
      return
    }
    const peer = this.inbox[randomInt(this.random, this.inbox.length)]?.peer as PeerId
    if (this.random.unit() < failures) this.fail(peer)
    else {
      const first = this.inbox.find((one) => one.peer === peer)
      this.inbox = this.inbox.filter((one) => one !== first)
      if (first !== undefined) this.handle(first.deliver())
    }
  }

  fail(peer: PeerId): void {
    this.inbox = this.inbox.filter((one) => one.peer !== peer)
    for (const [key, owner] of this.asked) if (owner === peer) this.asked.delete(key)
    this.handle({ on: 'failed', peer })
  }

  get isQuiet(): boolean {
    return this.inbox.length === 0 && !this.machine.isActive
  }
}

test('whatever each peer lacks, in the end we hold the most that anybody held, and nothing was asked for twice', () => {
  fc.assert(
    fc.property(logs, orders, fc.nat(), fc.constantFrom(0, 0.2), (held, order, seed, failures) => {
      const world = new World(held, seed)
      for (const peer of order) world.handle({ on: 'begin', peer })
      while (!world.isQuiet && world.steps < 5_000) world.step(failures)
      assert.ok(world.isQuiet, 'it comes to an end')
      assert.equal(world.machine.behind(), 0)
      for (const { author, log, held: counts } of held) {
        const most = Math.max(counts[0], ...order.map((peer) => counts[PEERS.indexOf(peer) + 1] ?? 0))
        assert.equal(world.ours.head(logKey({ author, log }))?.seq ?? 0, most)
      }
    }),
    { numRuns: 300 },
  )
})

const many = fc
  .tuple(fc.integer({ min: 17, max: 150 }), fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([count, seed, part]) => {
    const random = seededRandom(seed)
    return Array.from({ length: count }, (_, number) => {
      const least = randomInt(random, 3)
      const held = [0, 1, 2, 3, 4].map(() => least + (random.unit() < part ? randomInt(random, 4) : 0))
      return {
        author: AUTHORS[number % 3] as PeerId,
        log: `0${number % 3}${number.toString(16).padStart(14, '0')}`,
        held,
      }
    })
  })

test('by ranges, by cursors and by HAVE, whatever fails and whatever is said meanwhile, all comes in the end', () => {
  fc.assert(
    fc.property(
      fc.oneof(many, logs),
      orders,
      fc.nat(),
      fc.constantFrom(0, 0.2),
      fc.nat(15),
      (held, order, seed, failures, known) => {
        const world = new World(held, seed)
        for (const [index, peer] of PEERS.entries()) {
          // As if we had followed these.
          if ((known >> index) % 2 === 1) world.cursors.set(peer, { storeId: hexOf(STORE_ID), rid: 1 })
        }
        for (const peer of order) world.handle({ on: 'begin', peer })
        for (let words = 0; words < 20; words++) {
          world.chatter()
          world.step(failures)
        }
        while (!world.isQuiet && world.steps < 10_000) world.step(failures)
        assert.ok(world.isQuiet, 'it comes to an end')
        for (const { author, log, held: counts } of held) {
          const most = Math.max(counts[0] ?? 0, ...order.map((peer) => counts[PEERS.indexOf(peer) + 1] ?? 0))
          assert.ok((world.ours.head(logKey({ author, log }))?.seq ?? 0) >= most)
        }
      },
    ),
    { numRuns: 150 },
  )
})

test('no peer has more than so many questions under way', () => {
  fc.assert(
    fc.property(logs, (held) => {
      const world = new World(held, 1)
      const open = new Map<PeerId, number>()
      const carryOut = world.carryOut.bind(world)
      world.carryOut = (effect) => {
        if (effect.do === 'send-want') {
          open.set(effect.peer, (open.get(effect.peer) ?? 0) + 1)
          assert.ok((open.get(effect.peer) ?? 0) <= WANTS_IN_FLIGHT)
        }
        carryOut(effect)
      }
      const handle = world.handle.bind(world)
      world.handle = (event) => {
        if (event.on === 'rec') open.set(event.peer, (open.get(event.peer) ?? 0) - 1)
        handle(event)
      }
      for (const peer of PEERS) world.handle({ on: 'begin', peer })
      while (world.inbox.length > 0) world.step(0)
    }),
    { numRuns: 50 },
  )
})
