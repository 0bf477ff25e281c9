import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SpaceId } from '../../../src/base/index.ts'
import { EXPIRING_LOG_MAX_RECORDS } from '../../../src/records/append.ts'
import {
  type Draft,
  decodeHeader,
  FLAG_PRUNE_POINT,
  type Journal,
  LOG_CLASS,
  NO_RULE,
  RecordsError,
} from '../../../src/records/index.ts'
import { Author, foundedBy, framesOf, KIND, rig, START_MS, type Written } from './fixture.ts'
import { choice, endAt, ruled, ruling, type Statement } from './rule-authority.ts'

const prunePoint = { fields: { flags: FLAG_PRUNE_POINT } }
const about = (n: number) => ({ body: { n, about: ['x'] } })

/** Six records of which the fourth supersedes the first three. */
function pruned(space: SpaceId): readonly Written[] {
  const author = new Author(3, space)
  return [1, 2, 3, 4, 5, 6].map((n) => author.write({ ...about(n), ...(n === 4 ? prunePoint : {}) }))
}

describe('a prune point', () => {
  it('drops everything before it, headers too, and views forget that', () => {
    const { journal, database, space, ingest, headOf, changes } = ruled()
    const written = pruned(space)
    ingest(written)
    const { author, log, id } = written[5]!
    assert.deepEqual(headOf(written[0]!), { author, log, base: 4, seq: 6, id })
    assert.equal(changes.at(-1)?.base, 4)
    assert.equal(journal.record(written[2]!.id), undefined)
    assert.equal(journal.records({ kinds: [KIND], limit: 10 }).length, 3)
    assert.deepEqual(journal.frames(space, author, log, 1, 9), framesOf(written.slice(3)))
    assert.equal(database.prepare('SELECT trail FROM view_tally_entities').get()?.trail, '4 5 6')
  })

  it('is where a replica begins that holds nothing, or less', () => {
    for (const held of [0, 2]) {
      for (const mode of ['single', 'run'] as const) {
        const { space, ingest, headOf } = ruled()
        const written = pruned(space)
        ingest(written.slice(0, held))
        assert.deepEqual(ingest(written.slice(3), mode), { stored: 3, duplicates: 0, parked: 0, refused: {}, gaps: [] })
        assert.equal(headOf(written[0]!)?.base, 4)
      }
    }
  })

  it('must be signed itself, to begin with', () => {
    const { space, ingest } = ruled()
    const written = pruned(space)
    const badlySigned = { ...written[3]!, frame: { ...written[3]!.frame, signature: new Uint8Array(64).fill(1) } }
    const report = ingest([badlySigned, ...written.slice(4)], 'run')
    assert.deepEqual([report.stored, report.refused, report.parked], [0, { 'bad-signature': 1 }, 2])
  })

  it('makes known what comes before it, whatever it says; above it forks are seen as ever', () => {
    const { space, ingest, headOf, journal } = ruled()
    const written = pruned(space)
    const rival = new Author(3, space)
    const rivals = rival.writeMany(5)
    ingest(written)
    assert.deepEqual(ingest([...written.slice(0, 3), ...rivals.slice(0, 3)]).duplicates, 6)
    assert.equal(headOf(written[0]!)?.seq, 6)
    assert.deepEqual(ingest([rivals[4]!]).refused, { fork: 1 })
    assert.deepEqual([headOf(written[0]!)?.base, headOf(written[0]!)?.seq], [4, 4])
    assert.equal(journal.forks(space)[0]?.seq, 5)
  })

  it('that does not count takes nothing with it: the log is wanted from its beginning', () => {
    const { space, ingest, headOf, say } = ruled()
    const written = pruned(space)
    ingest(written)
    say(ruling(written[0]!, endAt(2, written[1]!.id), 1))
    assert.equal(headOf(written[0]!), undefined)
    assert.equal(ingest(written.slice(0, 3)).stored, 2)
    say(ruling(written[0]!, NO_RULE, 2))
    assert.deepEqual([headOf(written[0]!)?.base, headOf(written[0]!)?.seq], [4, 6])
  })

  it('above a choice is a record like others, until the choice is withdrawn', () => {
    const { space, ingest, headOf, say } = ruled()
    const written = pruned(space)
    say(ruling(written[0]!, choice(2, written[1]!.id, 6, written[5]!.id), 1))
    assert.equal(ingest(written.slice(3)).stored, 0)
    ingest(written)
    assert.deepEqual([headOf(written[0]!)?.base, headOf(written[0]!)?.seq], [1, 6])
    say(ruling(written[0]!, NO_RULE, 2))
    assert.deepEqual([headOf(written[0]!)?.base, headOf(written[0]!)?.seq], [4, 6])
  })

  it('is written with a draft, and not in a control log', async () => {
    const { journal } = rig()
    const { space } = await journal.found({ name: 'space' })
    const draft = (prune: boolean): Draft => ({ space, class: LOG_CLASS.durable, kind: KIND, body: {}, prune })
    const [, , last] = await journal.appendAll([draft(false), draft(false), draft(true)])
    assert.equal(journal.heads(space).find(({ log }) => log === last!.log)?.base, 3)
    assert.equal(decodeHeader(journal.frame(last!.id)!.header).flags, FLAG_PRUNE_POINT)
    assert.equal((await journal.append(draft(false))).seq, 4)
    await assert.rejects(
      journal.append({ ...draft(true), class: LOG_CLASS.control, kind: 2 }),
      (error) => error instanceof RecordsError && error.code === 'ERR_DRAFT_INVALID',
    )
  })
})

describe('an expiring log', () => {
  const exp = START_MS + 1000

  function purgeAll(journal: Journal): void {
    while (journal.purgeExpired() > 0);
  }

  it('of which all has expired is dropped, and what comes again of it is known', () => {
    const { journal, space, ingest, headOf, clock, changes } = ruled()
    const author = new Author(3, space, LOG_CLASS.expiring)
    const written = author.writeMany(3, { ...about(1), exp })
    ingest(written)
    clock.advance(999)
    purgeAll(journal)
    assert.equal(headOf(written[0]!)?.base, 1)
    clock.advance(1)
    purgeAll(journal)
    const { author: peer, log, id } = written[2]!
    const spent = { author: peer, log, base: 4, seq: 3, id }
    assert.deepEqual([headOf(written[0]!), changes.at(-1)], [spent, spent])
    assert.deepEqual([journal.frames(space, peer, log, 1, 9), journal.figures().records], [[], 1])
    assert.equal(ingest(written).duplicates, 3)
    const next = author.write({ exp: exp + 9000 })
    assert.equal(ingest([next]).stored, 1)
    assert.deepEqual([headOf(next)?.base, headOf(next)?.seq], [4, 4])
  })

  it('stays as long as one of its records lives', () => {
    const { journal, space, ingest, headOf, clock } = ruled()
    const author = new Author(3, space, LOG_CLASS.expiring)
    const written = [author.write({ exp: exp + 1000 }), author.write({ exp }), author.write({ exp })]
    ingest(written)
    clock.advance(1000)
    purgeAll(journal)
    assert.equal(headOf(written[0]!)?.base, 1)
    assert.equal(journal.frames(space, written[0]!.author, written[0]!.log, 1, 9).length, 3)
    clock.advance(1000)
    purgeAll(journal)
    assert.equal(headOf(written[0]!)?.base, 4)
  })

  it('that comes when all of it has expired leaves its end and nothing else', () => {
    const { space, ingest, headOf, clock, journal } = ruled()
    clock.advance(2000)
    const author = new Author(3, space, LOG_CLASS.expiring)
    const written = author.writeMany(600, { exp })
    ingest(written.slice(0, 250), 'run')
    ingest(written.slice(250, 500), 'run')
    ingest(written.slice(500), 'run')
    assert.deepEqual([headOf(written[0]!)?.base, headOf(written[0]!)?.seq, journal.figures().records], [601, 600, 1])
  })

  it('of one’s own goes on with a prune point, from which others can have it', async () => {
    const { journal, clock } = rig()
    const { space, id } = await journal.found({ name: 'space' })
    const draft = (n: number, until: number): Draft => {
      return { space, class: LOG_CLASS.expiring, kind: KIND, body: { n }, exp: until }
    }
    const [first] = await journal.appendAll([draft(1, exp), draft(2, exp)])
    clock.advance(1000)
    purgeAll(journal)
    const [third] = await journal.appendAll([draft(3, exp + 9000), draft(4, exp + 9000)])
    assert.deepEqual([third?.log, third?.seq], [first?.log, 3])
    const other = rig({ seed: 5 }).journal
    other.ingest(space, [journal.frame(id)!], 'single')
    const frames = journal.frames(space, third!.author, third!.log, 1, 9)
    assert.equal(other.ingest(space, frames, 'run').stored, 2)
    assert.deepEqual(other.heads(space), journal.heads(space))
  })

  it('of one’s own ends when it is long', async () => {
    const { journal } = rig()
    const { space } = await journal.found({ name: 'space' })
    const draft: Draft = { space, class: LOG_CLASS.expiring, kind: KIND, body: {}, exp }
    const records = await journal.appendAll(new Array<Draft>(EXPIRING_LOG_MAX_RECORDS + 1).fill(draft))
    assert.equal(new Set(records.map(({ log }) => log)).size, 2)
    assert.deepEqual([records.at(-2)?.seq, records.at(-1)?.seq], [EXPIRING_LOG_MAX_RECORDS, 1])
  })
})

describe('an erased record', () => {
  const made = () => {
    const world = ruled()
    const author = new Author(3, world.space)
    const written = [1, 2, 3].map((n) => author.write(about(n)))
    const { author: peer, log } = written[1]!
    const erase = { erase: { author: peer, log, seq: 2 } }
    const trail = () => world.database.prepare('SELECT trail FROM view_tally_entities').get()?.trail
    const bodies = () => world.journal.frames(world.space, peer, log, 1, 9).map(({ body }) => body !== null)
    /** Whether the bytes of the body are anywhere in the database. */
    const isKept = () =>
      ['body', 'parked', 'voided'].some((table) =>
        world.database
          .prepare(`SELECT ${table === 'body' ? 'bytes' : 'body'} AS bytes FROM ${table}`)
          .all()
          .some(({ bytes }) => bytes instanceof Uint8Array && Buffer.from(bytes).equals(written[1]!.frame.body!)),
      )
    const deputy = new Author(4, world.space, LOG_CLASS.control)
    world.authority.levels.set(deputy.signer.peer, 1)
    /** Somebody who may be removed says so. */
    const orderOf = (statement: Statement) => deputy.write({ kind: 2, body: { statement: JSON.stringify(statement) } })
    return { ...world, author, written, erase, trail, bodies, isKept, orderOf }
  }

  it('loses its body and keeps its place', () => {
    const { ingest, say, written, erase, trail, bodies, isKept } = made()
    ingest(written)
    assert.ok(isKept())
    say(erase)
    assert.deepEqual([trail(), bodies(), isKept()], ['1 3', [true, false, true], false])
    assert.equal(ingest(written).duplicates, 3)
    assert.deepEqual([trail(), isKept()], ['1 3', false])
  })

  it('that comes after its erasure is stored without its body', () => {
    const { ingest, say, written, erase, trail, bodies, isKept } = made()
    say(erase)
    ingest(written, 'run')
    assert.deepEqual([trail(), bodies(), isKept()], ['1 3', [true, false, true], false])
  })

  it('that waits loses its body too, and so does one that is void', () => {
    const { ingest, say, written, erase, trail, isKept } = made()
    ingest(written.slice(1))
    assert.ok(isKept())
    say(erase)
    assert.ok(!isKept())
    ingest(written)
    assert.deepEqual([trail(), isKept()], ['1 3', false])
    const other = made()
    other.ingest(other.written)
    other.say(ruling(other.written[0]!, endAt(0, undefined), 1))
    assert.ok(other.isKept())
    other.say(other.erase)
    assert.ok(!other.isKept())
    other.say(ruling(other.written[0]!, NO_RULE, 2))
    assert.equal(other.trail(), '1 3')
    const late = made()
    late.say(late.erase)
    late.ingest(late.written.slice(1))
    assert.ok(!late.isKept())
  })

  it('can be had again when its erasure turns out not to count', () => {
    const { ingest, journal, say, written, erase, trail, orderOf } = made()
    const order = orderOf(erase)
    const missing: unknown[] = []
    journal.events.on('bodies:missing', ({ author, log, from, to }) => missing.push({ author, log, from, to }))
    ingest([...written, order])
    assert.deepEqual([trail(), missing, journal.scrub(0, 100).damaged], ['1 3', [], []])
    say(ruling(order, endAt(0, undefined), 1))
    const { author, log } = written[1]!
    assert.deepEqual([trail(), missing], ['1 3', [{ author, log, from: 2, to: 2 }]])
    const [bare, ...others] = journal.scrub(0, 100).damaged
    assert.deepEqual([bare?.seq, bare?.log, bare?.isBare, others], [2, log, true, []])
    ingest(written)
    assert.deepEqual([trail(), missing.length, journal.scrub(0, 100).damaged], ['1 2 3', 1, []])
  })

  it('stays without its body when another erasure holds, or its time is over', () => {
    const { ingest, journal, say, clock, author, written, erase, trail, orderOf } = made()
    const brief = author.write({ ...about(4), exp: clock.now() + 1_000 })
    const missing: unknown[] = []
    journal.events.on('bodies:missing', (range) => missing.push(range))
    const orders = [orderOf(erase), orderOf({ erase: { ...erase.erase, seq: 4 } })]
    ingest([...written, brief, ...orders])
    say(erase)
    clock.advance(2_000)
    say(ruling(orders[0]!, endAt(0, undefined), 1))
    assert.deepEqual([trail(), missing, journal.scrub(0, 100).damaged], ['1 3', [], []])
  })

  it('that was void or waited when its erasure fell is missed when it counts', () => {
    for (const isParked of [false, true]) {
      const { ingest, journal, say, written, erase, orderOf } = made()
      const order = orderOf(erase)
      ingest(isParked ? written.slice(1) : written)
      if (!isParked) say(ruling(written[0]!, endAt(0, undefined), 1))
      ingest([order])
      say(ruling(order, endAt(0, undefined), 2))
      const missing: number[] = []
      journal.events.on('bodies:missing', ({ from, to }) => missing.push(from, to))
      if (isParked) ingest(written.slice(0, 1))
      else say(ruling(written[0]!, NO_RULE, 3))
      assert.deepEqual(missing, [2, 2])
    }
  })

  it('is never one of a control log', () => {
    const { ingest, authority, space, say, journal } = made()
    const deputy = new Author(4, space, LOG_CLASS.control)
    authority.levels.set(deputy.signer.peer, 1)
    const order = deputy.write({ kind: 2 })
    ingest([order])
    say({ erase: { author: order.author, log: order.log, seq: 1 } })
    assert.notEqual(journal.frame(order.id)?.body, null)
    assert.equal(foundedBy(2).space, space)
  })
})
