import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { bytesEqual } from '../../../src/base/index.ts'
import { type Frame, recordIdBytes, type View } from '../../../src/records/index.ts'
import { blob, type Database } from '../../../src/store/index.ts'
import { Author, type Founded, foundedBy, framesOf, type Rig, rig, type Written } from '../../unit/records/fixture.ts'
import { tallyView } from '../../unit/records/tally-view.ts'

const RECORDS = 40

interface Filled extends Rig {
  readonly founded: Founded
  readonly written: readonly Written[]
}

function filled(): Filled {
  const founded = foundedBy(9)
  const { space, genesis } = founded
  const [one, two] = [new Author(2, space), new Author(3, space)]
  const written = [genesis]
  for (let n = 0; n < RECORDS / 2; n++) {
    for (const author of [one, two]) {
      written.push(author.write({ body: { n, about: [`e${n % 4}`], text: 'x'.repeat(n * 7) } }))
    }
  }
  const made = rig()
  made.journal.register(tallyView() as View)
  made.journal.ingest(space, framesOf(written), 'single')
  return { ...made, founded, written }
}

function tally(database: Database): unknown {
  return database.prepare('SELECT * FROM view_tally_entities ORDER BY entity').all()
}

type Target = 'header' | 'signature' | 'id' | 'bytes'

/** Turns one bit over, as a disk may. */
function flip(database: Database, rid: number, target: Target, at: number): void {
  const table = target === 'bytes' ? 'body' : 'record'
  const row = database.prepare(`SELECT ${target} FROM ${table} WHERE rid = ?`).get(rid)
  const bytes = blob(row?.[target]).slice()
  if (bytes.length === 0) return
  const place = at % bytes.length
  bytes[place] = (bytes[place] ?? 0) ^ (1 << (at % 8))
  database.prepare(`UPDATE ${table} SET ${target} = ? WHERE rid = ?`).run(bytes, rid)
}

/** Everything that leaves the store is one of the genuine frames, whole. */
function assertGenuine({ journal, founded, written }: Filled): number {
  const genuine = new Map(written.map(({ id, frame }) => [id as string, frame]))
  let served = 0
  const check = (frame: Frame): void => {
    const known = genuine.get(Buffer.from(recordIdBytes(frame.header)).toString('hex'))
    assert.ok(known !== undefined, 'a header that nobody wrote')
    // Without its body is how members serve what they hold no body of.
    if (frame.body === null) return
    assert.ok(known.body !== null && bytesEqual(frame.body, known.body))
    served++
  }
  for (const { author, log, seq } of journal.heads(founded.space)) {
    for (let from = 1; from <= seq; from++) {
      for (const frame of journal.frames(founded.space, author, log, from, from)) check(frame)
    }
    const run = journal.frames(founded.space, author, log, 1, seq)
    const last = run.at(-1)
    const known = last && genuine.get(Buffer.from(recordIdBytes(last.header)).toString('hex'))
    if (last !== undefined) assert.ok(known !== undefined && bytesEqual(last.signature, known.signature))
  }
  for (const { id } of written) {
    const frame = journal.frame(id)
    if (frame !== undefined) {
      check(frame)
      assert.ok(bytesEqual(frame.signature, genuine.get(id)?.signature ?? new Uint8Array()))
    }
    const record = journal.record(id)
    const { n } = record?.body ?? {}
    if (n !== undefined) assert.equal(n, (written.find((one) => one.id === id)?.header.seq ?? 0) - 1)
  }
  for (const record of journal.records({ limit: 1_000 })) assert.ok(genuine.has(record.id))
  return served
}

/** Says how many records are wanted of others. */
function scrubAll({ journal }: Rig): number {
  let wanted = 0
  for (let after: number | undefined = 0; after !== undefined; ) {
    const { through, damaged } = journal.scrub(after, 7)
    wanted += damaged.length
    after = through
  }
  return wanted
}

const FLIP = fc.record({
  rid: fc.integer({ min: 2, max: RECORDS + 1 }),
  target: fc.constantFrom<Target>('header', 'signature', 'id', 'bytes'),
  at: fc.nat(5_000),
})

describe('a damaged record', () => {
  it('is never served, shown or counted on, whatever bits were turned, and copies make all whole again', () => {
    fc.assert(
      fc.property(
        fc.array(FLIP, { minLength: 1, maxLength: 12 }),
        fc.boolean(),
        fc.boolean(),
        (flips, scrubs, again) => {
          const filledRig = filled()
          const { database, founded, written } = filledRig
          const before = tally(database)
          for (const { rid, target, at } of flips) flip(database, rid, target, at)
          assertGenuine(filledRig)
          if (scrubs) scrubAll(filledRig)
          assertGenuine(filledRig)
          // After a restart as well.
          const reopened = again ? { ...filledRig, ...rig({ database }) } : filledRig
          if (again) reopened.journal.register(tallyView() as View)
          assertGenuine(reopened)
          scrubAll(reopened)
          // In whatever order copies come; what the chain does not tell the first time, it tells later.
          for (let round = 0; round < 4; round++) {
            const frames = framesOf(written)
            reopened.journal.ingest(founded.space, round % 2 === 0 ? frames.toReversed() : frames, 'single')
            scrubAll(reopened)
          }
          assert.equal(scrubAll(reopened), 0)
          assert.equal(reopened.journal.forks(founded.space).length, 0)
          assert.equal(assertGenuine(reopened), written.length * 2)
          assert.deepEqual(tally(database), before)
        },
      ),
      { numRuns: 25 },
    )
  })

  it('does not stop its author: the next record follows as if nothing were', async () => {
    const { journal, database } = rig()
    const { space } = await journal.found({ name: 's' })
    const draft = { space, class: 1, kind: 65_536, body: { n: 1 } } as const
    await journal.append(draft)
    const last = await journal.append(draft)
    flip(database, last.rid, 'header', 60)
    assert.equal(journal.scrub(0, 100).damaged.length, 1)
    const next = await journal.append(draft)
    assert.deepEqual([next.seq, next.log], [last.seq + 1, last.log])
  })

  it('is not replaced by another record of its author, and no fork is made of it', () => {
    const filledRig = filled()
    const { journal, database, founded } = filledRig
    const author = new Author(2, founded.space)
    const twin = author.twin()
    flip(database, 2, 'header', 60)
    assert.equal(scrubAll(filledRig), 1)
    const other = twin.write({ body: { n: 99 } })
    assert.equal(journal.ingest(founded.space, [other.frame], 'single').stored, 0)
    assert.equal(scrubAll(filledRig), 1)
    assert.equal(journal.forks(founded.space).length, 0)
  })
})

describe('records salvaged from a damaged store', () => {
  it('keep their places: what follows a lost one is there, and copies fill the holes', () => {
    const { written, founded } = filled()
    const { journal, database } = rig()
    journal.register(tallyView() as View)
    const lost = new Set([3, 4, 5, 17, 30])
    journal.salvage(founded.space, framesOf(written.filter((_, at) => !lost.has(at))))
    const kept = journal.records({ space: founded.space, limit: 1_000 })
    assert.equal(kept.length, written.length - lost.size)
    assert.equal(scrubAll({ journal } as Rig), lost.size)
    assert.equal(
      journal.heads(founded.space).reduce((sum, { seq }) => sum + seq, 0),
      written.length,
    )
    journal.ingest(founded.space, framesOf(written), 'run')
    assert.equal(scrubAll({ journal } as Rig), 0)
    assert.deepEqual(tally(database), tally(filled().database))
  })
})
