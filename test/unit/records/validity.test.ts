import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerId, SpaceId } from '../../../src/base/index.ts'
import { LOG_CLASS, type LogRule, NO_RULE, RUN_MAX_FRAMES, VOIDED_MAX_PER_SPACE } from '../../../src/records/index.ts'
import { Author, framesOf, KIND, rig, TableAuthority, type Written } from './fixture.ts'

import { about, bodyOfStatement, endAt, five, ruled, ruling, trailOf } from './rule-authority.ts'

describe('a log that its space ends', () => {
  it('loses what comes after, from the heads, the records, the frames and the views', () => {
    const made = ruled()
    const { journal, database, space, headOf, say, changes } = made
    const written = five(made)
    const [one, , three, four, last] = written as [Written, Written, Written, Written, Written]
    say(ruling(one, endAt(3, three.id), 1))
    const { author, log, id } = three
    const head = { author, log, base: 1, seq: 3, id }
    assert.deepEqual(headOf(one), head)
    assert.deepEqual(changes, [head])
    assert.deepEqual(journal.frames(space, author, log, 1, 9), framesOf(written.slice(0, 3)))
    for (const each of [four, last])
      assert.deepEqual([journal.record(each.id), journal.frame(each.id)], [undefined, undefined])
    assert.equal(journal.records({ kinds: [KIND], limit: 10 }).length, 3)
    assert.equal(trailOf(database), '1 2 3')
    assert.deepEqual(journal.voided(space), [{ author, log, from: 4, to: 5, first: four.id, last: last.id }])
    assert.deepEqual([journal.figures().records, journal.figures().voided], [5, 2])
  })

  it('takes nothing more, whoever brings it', () => {
    const made = ruled()
    const written = five(made)
    made.say(ruling(written[0]!, endAt(3, written[2]!.id), 1))
    assert.deepEqual(made.ingest(written), {
      stored: 0,
      duplicates: 3,
      parked: 0,
      refused: { 'not-allowed': 2 },
      gaps: [],
    })
  })

  it('has it back when it counts again, under new numbers and as no news', () => {
    const made = ruled()
    const { journal, database, space, say, headOf, changes } = made
    const written = five(made)
    const before = journal.record(written[4]!.id)!.rid
    say(ruling(written[0]!, endAt(0, undefined), 1))
    assert.deepEqual([headOf(written[0]!), trailOf(database), changes], [undefined, undefined, [undefined]])
    const told: unknown[] = []
    journal.events.on('record:stored', ({ record }) => told.push(record.kind))
    say(ruling(written[0]!, endAt(4, written[3]!.id), 2))
    assert.deepEqual([headOf(written[0]!)?.seq, trailOf(database), changes.at(-1)?.seq], [4, '1 2 3 4', 4])
    assert.deepEqual(told, [2])
    assert.ok(journal.record(written[3]!.id)!.rid > before)
    assert.deepEqual(
      journal.voided(space).map(({ from, to }) => [from, to]),
      [[5, 5]],
    )
    say(ruling(written[0]!, NO_RULE, 3))
    assert.deepEqual([trailOf(database), journal.voided(space)], ['1 2 3 4 5', []])
  })

  it('ends before the record that its space does not name', () => {
    const made = ruled()
    const written = five(made)
    made.say(ruling(written[0]!, endAt(3, written[4]!.id), 1))
    assert.equal(made.headOf(written[0]!)?.seq, 2)
  })

  it('never shows a record that came in the same batch as its end', () => {
    const { journal, founder, space, headOf } = ruled()
    const author = new Author(3, space)
    const written = author.writeMany(3, about(1))
    const end = founder.write({ kind: 2, body: bodyOfStatement(ruling(written[0]!, endAt(1, written[0]!.id), 1)) })
    const told: string[] = []
    journal.events.on('record:stored', ({ record }) => told.push(record.id))
    journal.ingest(space, framesOf([...written, end]), 'single')
    assert.deepEqual(told, [written[0]!.id, end.id])
    assert.equal(headOf(written[0]!)?.seq, 1)
  })

  it('takes with it what its control records said', () => {
    const made = ruled()
    const { authority, space, say, ingest, headOf } = made
    const written = five(made)
    const deputy = new Author(4, space, LOG_CLASS.control)
    authority.levels.set(deputy.signer.peer, 1)
    const orders = [2, 4, 1].map((seq, n) =>
      deputy.write({ kind: 2, body: bodyOfStatement(ruling(written[0]!, endAt(seq, written[seq - 1]!.id), n)) }),
    )
    const seen: (number | undefined)[] = []
    for (const order of orders) {
      ingest([order])
      seen.push(headOf(written[0]!)?.seq)
    }
    say(ruling(orders[0]!, endAt(1, orders[0]!.id), 1))
    seen.push(headOf(written[0]!)?.seq)
    say(ruling(orders[0]!, endAt(2, orders[1]!.id), 2))
    seen.push(headOf(written[0]!)?.seq)
    assert.deepEqual(seen, [2, 4, 1, 2, 4])
  })

  it('goes when its author was never admitted after all, and comes back when it was', () => {
    const { authority, space, say, ingest, headOf, journal } = ruled()
    const deputy = new Author(4, space, LOG_CLASS.control)
    const author = new Author(3, space)
    authority.levels.set(deputy.signer.peer, 1)
    authority.guarded.add(author.signer.peer)
    const admit = deputy.write({ kind: 2, body: bodyOfStatement({ admit: author.signer.peer }) })
    const written = author.writeMany(3)
    ingest([admit, ...written])
    assert.equal(headOf(written[0]!)?.seq, 3)
    say(ruling(admit, endAt(0, undefined), 1))
    assert.equal(headOf(written[0]!), undefined)
    assert.equal(journal.figures().voided, 4)
    say({ admit: author.signer.peer })
    assert.equal(headOf(written[0]!)?.seq, 3)
  })

  it('survives a disk that fails in the middle: memory, tables and authority are as before', () => {
    const made = ruled()
    const { database, journal, space, say, headOf, founder } = made
    const written = five(made)
    const before = [journal.heads(space), journal.voided(space), trailOf(database)]
    database.exec("CREATE TRIGGER no BEFORE INSERT ON voided BEGIN SELECT RAISE(ABORT, 'no'); END")
    const end = founder.write({ kind: 2, body: bodyOfStatement(ruling(written[0]!, endAt(1, undefined), 1)) })
    assert.throws(() => journal.ingest(space, [end.frame], 'single'))
    assert.deepEqual([journal.heads(space), journal.voided(space), trailOf(database)], before)
    database.exec('DROP TRIGGER no')
    journal.ingest(space, [end.frame], 'single')
    assert.equal(headOf(written[0]!)?.seq, 1)
    say(ruling(written[0]!, NO_RULE, 2))
    assert.equal(trailOf(database), '1 2 3 4 5')
  })

  it('acknowledges nothing of one’s own that it ends before, and writes nothing that was to be written with that', async () => {
    /** Every control record after the genesis ends its own log before itself. */
    class Suicidal extends TableAuthority {
      override ruleOf(_space: SpaceId, _author: PeerId, log: string): LogRule {
        return log.startsWith('00') && this.observed.length > 1 ? endAt(1, undefined) : NO_RULE
      }

      override takeChangedRules(): ReadonlySet<PeerId> {
        return new Set(this.observed.map(({ author }) => author))
      }
    }
    for (const together of [false, true]) {
      const { journal } = rig({ authority: new Suicidal() })
      const { space } = await journal.found({ name: 'space' })
      const control = { space, class: LOG_CLASS.control, kind: 2, body: {} } as const
      const durable = { space, class: LOG_CLASS.durable, kind: KIND, body: {} } as const
      const drafts = [durable, control]
      const appends = together ? [journal.appendTogether(drafts)] : drafts.map((draft) => journal.append(draft))
      const outcomes = await Promise.allSettled(appends)
      assert.equal(outcomes.at(-1)?.status, 'rejected')
      const heads = journal.heads(space).map(({ seq }) => seq)
      assert.deepEqual(heads, together ? [1] : [1, 1])
    }
  })

  it('may be ten thousand records longer', () => {
    const { journal, space, say, headOf, ingest } = ruled()
    const author = new Author(3, space)
    const written = author.writeMany(10_000)
    for (let at = 0; at < written.length; at += RUN_MAX_FRAMES) ingest(written.slice(at, at + RUN_MAX_FRAMES), 'run')
    say(ruling(written[0]!, endAt(0, undefined), 1))
    assert.deepEqual([headOf(written[0]!), journal.figures().voided], [undefined, 10_000])
    const { author: peer, log, id } = written[0]!
    assert.deepEqual(journal.voided(space), [
      { author: peer, log, from: 1, to: 10_000, first: id, last: written.at(-1)!.id },
    ])
    say(ruling(written[0]!, NO_RULE, 2))
    assert.deepEqual([headOf(written[0]!)?.seq, journal.figures().voided], [10_000, 0])
  })

  it('keeps no more than there is room for: the oldest goes', () => {
    const first = ruled()
    const written = new Author(3, first.space).writeMany(4)
    first.ingest(written)
    const rows = `WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < ${VOIDED_MAX_PER_SPACE - 2})`
    first.database.exec(`${rows} INSERT INTO voided SELECT n, 1, 99, n, x'', x'', x'', 1, NULL, 0 FROM many`)
    const { database, journal, say, headOf } = ruled({ database: first.database })
    say(ruling(written[0]!, endAt(1, written[0]!.id), 1))
    const { voided, voidedDropped } = journal.figures()
    assert.deepEqual([headOf(written[0]!)?.seq, voided, voidedDropped], [1, VOIDED_MAX_PER_SPACE, 1])
    assert.equal(database.prepare('SELECT min(n) AS n FROM voided').get()?.n, 2)
    // Last things first, so that they make room before what they follow.
    const order = database.prepare('SELECT seq FROM voided WHERE log <> 99 ORDER BY n').all()
    assert.deepEqual(
      order.map(({ seq }) => seq),
      [4, 3, 2],
    )
  })
})

describe('a record that a disk garbled', () => {
  const garbled = (seq: number) => {
    const world = ruled()
    const author = new Author(3, world.space)
    const common = Array.from({ length: seq - 1 }, (_, n) => author.write(about(n)))
    const other = author.twin().write(about(9))
    const written = [...common, ...author.writeMany(4 - seq, about(8))]
    world.ingest(written)
    const place = 'rid = (SELECT r.rid FROM record r JOIN log l ON l.n = r.log WHERE l.class = 1 AND r.seq = ?)'
    world.database.prepare(`UPDATE record SET header = zeroblob(200) WHERE ${place}`).run(seq)
    world.journal.scrub(0, 100)
    return { ...world, other, written }
  }

  it('comes back as what it was, and as nothing else that its author may offer', () => {
    for (const seq of [1, 2, 3]) {
      const { ingest, other, written, journal, space } = garbled(seq)
      ingest([other])
      const { log, author: peer } = written[0]!
      assert.equal(journal.record(other.id), undefined)
      ingest(written)
      assert.deepEqual(journal.frames(space, peer, log, 1, 9), framesOf(written))
    }
  })
})
