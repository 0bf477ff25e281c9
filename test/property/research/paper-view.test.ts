import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type PeerId, type RecordId, type SpaceId, sha256, utf8 } from '../../../src/base/index.ts'
import type { BodyMap, StoredRecord } from '../../../src/records/index.ts'
import { INTENTS, RESEARCH_KIND, SOURCES } from '../../../src/research/index.ts'
import { PaperIndex } from '../../../src/research/paper-index.ts'
import { paperView } from '../../../src/research/paper-view.ts'
import { type Database, fullText, openDatabase } from '../../../src/store/index.ts'

const PAPERS = ['doi:10.1000/a', 'doi:10.1000/b', 'arxiv:1706.03762']
const SPACES = ['aa'.repeat(32), 'bb'.repeat(32)]
const one = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)

const statement = fc.record({
  paper: one(PAPERS),
  source: one(SOURCES),
  client: fc.constant('test'),
  fields: fc.record(
    {
      title: one(['One', 'Two', 'Drei']),
      author: one([[{ family: 'Lamport', given: 'L.' }], [{ literal: 'NASA' }, { family: 'Ø' }]]),
      issued: one([{ 'date-parts': [[1978]] }, { 'date-parts': [[1999, 5]] }]),
      keyword: one([['a'], ['b', 'A']]),
      DOI: one(['10.1000/a', '10.1000/c']),
      arXiv: fc.constant('1706.03762'),
      volume: one(['1', 2, '']),
    },
    { requiredKeys: [] },
  ),
})
const citation = fc.record({
  citing: one(PAPERS),
  cites: fc.array(fc.tuple(one(PAPERS), one([...INTENTS, 'nonsense'])), { maxLength: 4 }),
})

const record = fc
  .tuple(
    fc.oneof(
      statement.map((body) => ({ kind: RESEARCH_KIND.paper, body })),
      citation.map((body) => ({ kind: RESEARCH_KIND.citation, body })),
      fc.constantFrom(
        { kind: RESEARCH_KIND.paper, body: { paper: 'x' } },
        { kind: RESEARCH_KIND.citation, body: undefined },
      ),
    ),
    one(SPACES),
    fc.integer({ min: 1, max: 4 }),
    fc.nat(),
  )
  .map(([said, space, hlc, salt]): StoredRecord => {
    const id = Buffer.from(sha256(utf8(JSON.stringify([said, space, hlc, salt])))).toString('hex') as RecordId
    return {
      rid: 0,
      id,
      space: space as SpaceId,
      author: `peer${salt % 3}` as PeerId,
      class: 1,
      log: '',
      seq: 1,
      hlc,
      kind: said.kind,
      exp: 0,
      body: said.body as BodyMap | undefined,
      signatureChecked: true,
    }
  })

/** What the journal does: folds every touched entity over all its live records by (hlc, id), batch by batch. */
function tablesAfter(batches: readonly (readonly StoredRecord[])[]): string {
  using database = openDatabase({ path: ':memory:', schemas: [] })
  const view = paperView(new PaperIndex(database, fullText))
  database.exec(view.schema)
  const entities = new Map<string, Map<string, StoredRecord>>()
  for (const batch of batches) {
    const touched = new Set<string>()
    for (const each of batch) {
      for (const entity of view.entitiesOf(each)) {
        touched.add(entity)
        entities.set(entity, (entities.get(entity) ?? new Map()).set(each.id, each))
      }
    }
    database.transaction(() => {
      for (const entity of touched) {
        const records = [...(entities.get(entity)?.values() ?? [])].sort(
          (a, b) => a.hlc - b.hlc || (a.id < b.id ? -1 : 1),
        )
        view.write(database, entity, view.fold(entity, records))
      }
    })
  }
  const counted = database
    .prepare(
      `SELECT space, sum(papers) AS papers, sum(citations) AS citations FROM (
         SELECT space, count(DISTINCT paper) AS papers, 0 AS citations FROM view_research_statement GROUP BY space
         UNION ALL SELECT space, 0, count(*) FROM view_research_citation GROUP BY space) GROUP BY space ORDER BY space`,
    )
    .all()
  assert.deepEqual(database.prepare('SELECT * FROM view_research_count ORDER BY space').all(), counted)
  return dump(database, view.tables)
}

function dump(database: Database, tables: readonly string[]): string {
  return JSON.stringify(
    tables.map((table) => [table, database.prepare(`SELECT * FROM ${table}`).all()]),
    undefined,
    1,
  )
}

describe('the view of papers', () => {
  it('is the same, byte for byte, whatever the order, repetition and partition of the records', () => {
    fc.assert(
      fc.property(
        fc
          .array(record, { maxLength: 25 })
          .chain((records) =>
            fc.tuple(
              fc.constant(records),
              fc.shuffledSubarray([...records, ...records], { minLength: records.length * 2 }),
              fc.integer({ min: 1, max: 7 }),
            ),
          ),
        ([records, shuffled, size]) => {
          const batches = Array.from({ length: Math.ceil(shuffled.length / size) }, (_, n) =>
            shuffled.slice(n * size, (n + 1) * size),
          )
          assert.equal(tablesAfter(batches), tablesAfter([records]))
        },
      ),
      { numRuns: 150 },
    )
  })

  it('is empty again when every record is gone', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 10 }), (records) => {
        using database = openDatabase({ path: ':memory:', schemas: [] })
        const view = paperView(new PaperIndex(database, fullText))
        database.exec(view.schema)
        const empty = dump(database, view.tables)
        for (const entity of new Set(records.flatMap(view.entitiesOf))) {
          view.write(
            database,
            entity,
            view.fold(
              entity,
              records.filter((each) => view.entitiesOf(each).includes(entity)),
            ),
          )
          view.write(database, entity, undefined)
        }
        assert.equal(dump(database, view.tables), empty)
      }),
      { numRuns: 50 },
    )
  })
})
