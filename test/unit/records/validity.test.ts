import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerId, SpaceId } from '../../../src/base/index.ts'
import {
  decodeForkProof,
  encodeForkProof,
  type ForkProof,
  LOG_CLASS,
  type LogRule,
  NO_RULE,
  RUN_MAX_FRAMES,
  VOIDED_MAX_PER_SPACE,
} from '../../../src/records/index.ts'
import type { Database } from '../../../src/store/index.ts'
import { Author, foundedBy, framesOf, KIND, REFUSED, rig, TableAuthority, UNKNOWN, type Written } from './fixture.ts'

import { bodyOfStatement, choice, endAt, type Ruled, ruled, ruling } from './rule-authority.ts'

const about = (n: number) => ({ body: { n, about: ['x'] } })

function trailOf(database: Database): unknown {
  return database.prepare("SELECT trail FROM view_tally_entities WHERE entity = 'x'").get()?.trail
}

/** A log of five records that all speak of x. */
function five(made: Ruled): readonly Written[] {
  const author = new Author(3, made.space)
  const written = [1, 2, 3, 4, 5].map((n) => author.write(about(n)))
  made.ingest(written)
  return written
}

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

/** Two records, and two futures of three each. */
function equivocation(space: Ruled['space']) {
  const author = new Author(3, space)
  const common = [1, 2].map((n) => author.write(about(n)))
  const twin = author.twin()
  return { common, a: [3, 4, 5].map((n) => author.write(about(n))), b: [6, 7, 8].map((n) => twin.write(about(n))) }
}

function proofOf({ frame: a }: Written, { frame: b }: Written): ForkProof {
  return { headerA: a.header, signatureA: a.signature, headerB: b.header, signatureB: b.signature }
}

describe('a proof of a fork', () => {
  it('freezes a log of which neither branch is held, and one of which nothing is', () => {
    const { journal, space, ingest, headOf } = ruled()
    const { common, a, b } = equivocation(space)
    ingest(common.slice(0, 1))
    const forks: number[] = []
    journal.events.on('log:forked', ({ seq }) => forks.push(seq))
    assert.equal(journal.addForkProof(space, proofOf(a[0]!, b[0]!)), 'new')
    assert.equal(journal.addForkProof(space, proofOf(b[0]!, a[0]!)), 'known')
    assert.deepEqual(ingest([...common, ...a, ...b]).refused, { frozen: 6 })
    assert.deepEqual([headOf(common[0]!)?.seq, forks], [2, [3]])
    const other = new Author(5, space)
    const [x, y] = [other.twin().write(), other.write()]
    assert.equal(journal.addForkProof(space, proofOf(x, y)), 'new')
    assert.deepEqual(ingest([x, y]).refused, { frozen: 2 })
    assert.equal(journal.forks(space).length, 2)
  })

  it('is in one order and gives way to one of a lower place', () => {
    const { journal, space, ingest, headOf } = ruled()
    const { common, a, b } = equivocation(space)
    ingest([...common, ...a])
    assert.equal(journal.addForkProof(space, proofOf(a[2]!, b[2]!)), 'new')
    assert.equal(headOf(common[0]!)?.seq, 4)
    assert.equal(journal.addForkProof(space, proofOf(a[0]!, b[0]!)), 'new')
    assert.equal(journal.addForkProof(space, proofOf(a[1]!, b[1]!)), 'known')
    assert.equal(headOf(common[0]!)?.seq, 2)
    const forks = journal.forks(space)
    assert.deepEqual([forks.length, forks[0]?.seq], [1, 3])
    const { headerA, headerB } = forks[0]!.proof
    const ids = [a[0]!, b[0]!].toSorted((one, other) => (one.id < other.id ? -1 : 1))
    assert.deepEqual(
      [headerA, headerB],
      ids.map(({ frame }) => frame.header),
    )
    assert.deepEqual(decodeForkProof(encodeForkProof(forks[0]!.proof)), forks[0]!.proof)
  })

  it('is refused when it proves nothing', () => {
    const { journal, authority, space, genesis, founder } = ruled()
    const { common, a, b } = equivocation(space)
    const good = proofOf(a[0]!, b[0]!)
    const strangers = foundedBy(8)
    const rival = () => new Author(2, space, LOG_CLASS.control)
    const wrong: readonly ForkProof[] = [
      { ...good, signatureA: good.signatureB },
      { ...good, signatureB: new Uint8Array(3) },
      { ...good, headerA: new Uint8Array(9) },
      proofOf(a[0]!, a[0]!),
      proofOf(a[0]!, b[1]!),
      proofOf(common[0]!, new Author(7, space).write()),
      proofOf(new Author(3, strangers.space).write(), new Author(3, strangers.space).twin().write()),
      // The place of the genesis.
      proofOf(rival().write({ kind: 2 }), rival().twin().write({ kind: 2 })),
    ]
    for (const proof of wrong) assert.equal(journal.addForkProof(space, proof), 'refused')
    assert.equal(journal.addForkProof(strangers.space, good), 'refused')
    for (const verdict of [UNKNOWN, REFUSED]) {
      authority.verdicts.set(a[0]!.author, verdict)
      assert.equal(journal.addForkProof(space, good), 'refused')
    }
    assert.deepEqual(journal.forks(space), [])
    assert.equal(journal.heads(space)[0]?.id, genesis.id)
    assert.equal(founder.log[0], 0)
  })

  it('of a control log takes back what was said after it', () => {
    const made = ruled()
    const { journal, space, founder, say, headOf } = made
    const written = five(made)
    const twin = founder.twin()
    say(ruling(written[0]!, endAt(1, written[0]!.id), 1))
    assert.equal(headOf(written[0]!)?.seq, 1)
    const held = journal.frames(space, made.genesis.author, made.genesis.log, 2, 2)[0]!
    const { frame } = twin.write({ kind: 2 })
    const proof = {
      headerA: held.header,
      signatureA: held.signature,
      headerB: frame.header,
      signatureB: frame.signature,
    }
    assert.equal(journal.addForkProof(space, proof), 'new')
    assert.equal(headOf(written[0]!)?.seq, 5)
    assert.equal(headOf(made.genesis)?.seq, 1)
  })

  it('cannot be shown while the signature of one side is bad, and can once a good one came', () => {
    const { journal, space, ingest } = ruled()
    const { common, a, b } = equivocation(space)
    const badlySigned = { ...a[0]!, frame: { ...a[0]!.frame, signature: new Uint8Array(64).fill(1) } }
    ingest([...common, badlySigned, ...a.slice(1)], 'run')
    assert.deepEqual(ingest([b[0]!]).refused, { fork: 1 })
    assert.deepEqual(journal.forks(space), [])
    assert.equal(journal.addForkProof(space, proofOf(a[0]!, b[0]!)), 'new')
    assert.equal(journal.forks(space).length, 1)
  })
})

describe('a choice between branches', () => {
  it('lets one stand, whichever was held', () => {
    const tables = ['a', 'b'].flatMap((held) =>
      ['a', 'b'].map((chosen) => {
        const made = ruled()
        const { database, space, ingest, say, headOf, journal } = made
        const { common, a, b } = equivocation(space)
        const branches = { a, b } as const
        ingest([...common, ...branches[held as 'a']])
        const other = held === 'a' ? b : a
        ingest(other.slice(0, 1))
        const branch = branches[chosen as 'a']
        say(ruling(common[0]!, choice(3, branch[0]!.id, 5, branch[2]!.id), 1))
        ingest([...a, ...b])
        assert.deepEqual([headOf(common[0]!)?.seq, headOf(common[0]!)?.id], [5, branch[2]!.id])
        const more = journal.voided(space).map(({ from, first }) => [from, first])
        assert.ok(more.every(([, first]) => first !== branch[0]!.id))
        return [chosen, trailOf(database)]
      }),
    )
    assert.deepEqual(tables, [
      ['a', '1 2 3 4 5'],
      ['b', '1 2 6 7 8'],
      ['a', '1 2 3 4 5'],
      ['b', '1 2 6 7 8'],
    ])
  })

  it('may come before the fork is known', () => {
    const { space, ingest, say, headOf, database } = ruled()
    const { common, a, b } = equivocation(space)
    ingest([...common, ...a])
    say(ruling(common[0]!, choice(3, b[0]!.id, 5, b[2]!.id), 1))
    assert.equal(headOf(common[0]!)?.seq, 2)
    assert.equal(ingest(b).stored, 3)
    assert.equal(trailOf(database), '1 2 6 7 8')
  })

  it('does not excuse another fork of the chosen branch', () => {
    const { space, ingest, say, headOf, journal } = ruled()
    const author = new Author(3, space)
    const common = author.writeMany(2)
    const other = author.twin().write()
    const three = author.write()
    const again = author.twin()
    const [four, five] = author.writeMany(2)
    ingest([...common, three, other])
    say(ruling(three, choice(3, three.id, 5, five!.id), 1))
    ingest([three, four!, five!])
    assert.equal(headOf(three)?.seq, 5)
    assert.deepEqual(ingest([again.write()]).refused, { fork: 1 })
    assert.equal(headOf(three)?.seq, 3)
    assert.deepEqual(
      journal.forks(space).map(({ seq }) => seq),
      [3, 4],
    )
  })
})

describe('the numbers of records in this store', () => {
  it('are never given twice, not even after the last were voided and the store was opened again', () => {
    const { journal, database, space, ingest } = ruled()
    const { common, a, b } = equivocation(space)
    ingest([...common, ...a])
    const last = journal.record(a[2]!.id)!.rid
    journal.addForkProof(space, proofOf(a[0]!, b[0]!))
    const again = rig({ database }).journal
    const next = new Author(6, space).write()
    again.ingest(space, [next.frame], 'single')
    assert.equal(again.record(next.id)?.rid, last + 1)
  })
})
