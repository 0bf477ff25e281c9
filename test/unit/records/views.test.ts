import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Draft, LOG_CLASS, RecordsError, type View } from '../../../src/records/index.ts'
import { type Database, StoreError } from '../../../src/store/index.ts'
import { Author, foundedBy, framesOf, KIND, type RigInit, rig, START_MS } from './fixture.ts'
import { tallyView } from './tally-view.ts'

async function founded(views: readonly View[] = [tallyView() as View], init: RigInit = {}) {
  const made = rig(init)
  for (const view of views) made.journal.register(view)
  const { space } = await made.journal.found({ name: 'space' })
  const write = (n: number, about: readonly string[], kind: number = KIND) => {
    const draft: Draft = { space, class: LOG_CLASS.durable, kind, body: { n, about } }
    return made.journal.append(draft)
  }
  return { ...made, space, write }
}

/** Entity and trail of each row. */
function trails(database: Database): Record<string, unknown> {
  const rows = database.prepare('SELECT * FROM view_tally_entities ORDER BY entity').all()
  return Object.fromEntries(rows.map((row) => [row.entity, row.trail]))
}

describe('a view', () => {
  it('is folded with the records, entity by entity', async () => {
    const { write, database } = await founded()
    await Promise.all([write(1, ['a', 'b']), write(2, ['b']), write(3, ['b', 'b'])])
    await write(4, ['a'])
    assert.deepEqual(trails(database), { a: '1 4', b: '1 2 3' })
  })

  it('does not see records of other kinds, or without entities', async () => {
    const { write, database } = await founded()
    await write(1, ['a'], KIND + 2)
    await write(2, [])
    await write(3, ['b'], KIND + 1)
    assert.deepEqual(trails(database), { b: '3' })
  })

  it('sees records in the order of their timestamps, not of their arrival', () => {
    const { journal, database } = rig()
    journal.register(tallyView() as View)
    const { space, genesis } = foundedBy(2)
    const early = new Author(3, space).write({ body: { n: 1, about: ['a'] } })
    const late = new Author(4, space).write({ body: { n: 2, about: ['a'] }, atMs: START_MS + 1000 })
    for (const frame of framesOf([genesis, late, early])) journal.ingest(space, [frame], 'single')
    assert.deepEqual(trails(database), { a: '1 2' })
  })

  it('is undone for what a fork voids', () => {
    const { journal, database } = rig()
    journal.register(tallyView() as View)
    const { space, genesis } = foundedBy(2)
    const author = new Author(3, space)
    const first = author.write({ body: { n: 1, about: ['a'] } })
    const twin = author.twin()
    const second = author.write({ body: { n: 2, about: ['a', 'b'] } })
    journal.ingest(space, framesOf([genesis, first, second]), 'single')
    assert.deepEqual(trails(database), { a: '1 2', b: '2' })
    journal.ingest(space, framesOf([twin.write({ body: { n: 3, about: ['c'] } })]), 'single')
    assert.deepEqual(trails(database), { a: '1' })
  })

  it('follows a body that comes late, and one that expires', () => {
    const { journal, database, clock } = rig()
    journal.register(tallyView() as View)
    const { space, genesis } = foundedBy(2)
    const { frame } = new Author(3, space).write({ body: { n: 1, about: ['a'] }, exp: START_MS + 1000 })
    journal.ingest(space, [genesis.frame, { ...frame, body: null }], 'single')
    assert.deepEqual(trails(database), {})
    journal.ingest(space, [frame], 'single')
    assert.deepEqual(trails(database), { a: '1' })
    clock.advance(1000)
    journal.purgeExpired()
    assert.deepEqual(trails(database), {})
  })

  it('whose reducer throws loses that entity’s rows and no record, and gets them back when it no longer throws', async () => {
    const { write, database, journal } = await founded()
    const first = await write(13, ['a', 'b'])
    const [second] = await Promise.all([write(13, ['a']), write(1, ['b'])])
    assert.deepEqual(trails(database), { b: '13 1' })
    const { failedEntities, viewFailures } = journal.figures()
    assert.deepEqual([failedEntities, viewFailures], [1, 1])
    for (const { id } of [first, second]) assert.equal(journal.record(id)?.id, id)
    const again = rig({ database })
    again.journal.register(tallyView(2, (records) => ({ records: records.length, sum: 0, trail: 'all' })) as View)
    assert.deepEqual(trails(database), { a: 'all', b: 'all' })
    assert.equal(again.journal.figures().failedEntities, 0)
    assert.equal(database.prepare('SELECT count(*) AS n FROM view_failure').get()?.n, 0)
  })

  it('that cannot place a record costs neither the record nor the others', async () => {
    const throwing: View = {
      ...(tallyView() as View),
      entitiesOf: ({ body }) => {
        if (body?.n === 1) throw new Error('unreadable')
        return ['a']
      },
    }
    const { write, database, journal } = await founded([throwing])
    const [first] = await Promise.all([write(1, []), write(2, [])])
    assert.equal(journal.record(first.id)?.id, first.id)
    assert.deepEqual(trails(database), { a: '2' })
    assert.equal(journal.figures().viewFailures, 1)
  })

  it('does not take a full disk for an error of its reducer', async () => {
    const { write, database, journal } = await founded()
    await write(1, ['a'])
    const pages = Number(database.prepare('PRAGMA page_count').get()?.page_count)
    database.exec(`PRAGMA max_page_count = ${pages + 2}`)
    const many = Array.from({ length: 2000 }, (_, n) => `entity ${n}`)
    await assert.rejects(write(2, many), (error) => error instanceof StoreError && error.code === 'ERR_STORE_FULL')
    assert.equal(journal.figures().failedEntities, 0)
    database.exec('PRAGMA max_page_count = 1000000')
    await write(2, ['a'])
    assert.deepEqual(trails(database), { a: '1 2' })
  })
})

describe('registering a view', () => {
  it('folds what is there, in chunks', async () => {
    const { journal, space, database } = await founded([])
    const drafts = Array.from(
      { length: 2500 },
      (_, n): Draft => ({ space, class: LOG_CLASS.durable, kind: KIND, body: { n, about: [`e${n % 3}`] } }),
    )
    await journal.appendAll(drafts)
    journal.register(tallyView() as View)
    const counts = database.prepare('SELECT entity, records FROM view_tally_entities ORDER BY entity').all()
    assert.deepEqual(
      counts.map(({ entity, records }) => [entity, records]),
      [
        ['e0', 834],
        ['e1', 833],
        ['e2', 833],
      ],
    )
  })

  it('leaves tables of the same version alone and rebuilds those of another', async () => {
    const { write, database } = await founded()
    await write(1, ['a'])
    database.exec("UPDATE view_tally_entities SET trail = 'kept'; CREATE TABLE view_tally_extra (x)")
    rig({ database }).journal.register(tallyView() as View)
    assert.deepEqual(trails(database), { a: 'kept' })
    rig({ database }).journal.register(tallyView(2) as View)
    assert.deepEqual(trails(database), { a: '1' })
    assert.equal(database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'view_tally_extra'").get(), undefined)
  })

  it('drops virtual tables with their shadows', async () => {
    const { database } = await founded()
    database.exec('CREATE VIRTUAL TABLE view_tally_words USING fts5(words)')
    rig({ database }).journal.register(tallyView(2) as View)
    assert.equal(database.prepare("SELECT 1 FROM sqlite_schema WHERE name LIKE 'view_tally_words%'").get(), undefined)
  })

  it('folds what came while it was away, and rebuilds if something went meanwhile', async () => {
    const first = await founded()
    await first.write(1, ['a'])
    const away = rig({ database: first.database })
    const draft: Draft = { space: first.space, class: LOG_CLASS.durable, kind: KIND, body: { n: 2, about: ['a'] } }
    await away.journal.append({ ...draft, exp: START_MS + 1 })
    first.database.exec("UPDATE view_tally_entities SET sum = -1 WHERE entity = 'a'")
    rig({ database: first.database }).journal.register(tallyView() as View)
    assert.deepEqual(trails(first.database), { a: '1 2' })
    const later = rig({ database: first.database, clock: away.clock })
    away.clock.advance(1)
    assert.equal(later.journal.purgeExpired(), 1)
    assert.deepEqual(trails(first.database), { a: '1 2' })
    later.journal.register(tallyView() as View)
    assert.deepEqual(trails(first.database), { a: '1' })
  })

  it('is refused twice for one domain, and for names that are none', async () => {
    const { journal } = await founded()
    const invalid = (error: unknown) => error instanceof RecordsError && error.code === 'ERR_VIEW_INVALID'
    const view = tallyView() as View
    assert.throws(() => journal.register(view), invalid)
    assert.throws(() => journal.register({ ...view, domain: 'Other' }), invalid)
    assert.throws(() => journal.register({ ...view, domain: 'other', tables: ['a; DROP TABLE record'] }), invalid)
    assert.throws(() => journal.register({ ...view, domain: 'other', version: 0 }), invalid)
  })
})
