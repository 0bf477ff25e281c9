import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Frame, LOG_CLASS, recordsSchema, type View } from '../../../src/records/index.ts'
import { type Database, openDatabase } from '../../../src/store/index.ts'
import {
  Author,
  foundedBy,
  framesOf,
  KIND,
  rig,
  START_MS,
  type WriteOptions,
  type Written,
} from '../../unit/records/fixture.ts'
import { tallyView } from '../../unit/records/tally-view.ts'

const { space, genesis } = foundedBy(2)

/** What one device writes: bodies for the test view, with timestamps that meet those of others. */
const options: fc.Arbitrary<WriteOptions> = fc.record({
  kind: fc.constantFrom(KIND, KIND, KIND + 1, KIND + 2),
  body: fc.record({
    n: fc.constantFrom(1, 2, 3, 13),
    about: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 }),
  }),
  atMs: fc.nat(5).map((ms) => START_MS + ms),
})

const logOf = (seed: number): fc.Arbitrary<readonly Written[]> =>
  fc.tuple(fc.array(options, { maxLength: 12 }), fc.array(options, { maxLength: 2 })).map(([main, branch]) => {
    const author = new Author(seed, space, LOG_CLASS.durable)
    const written: Written[] = []
    // The branch, if there is one, leaves in the middle.
    const fork = Math.floor(main.length / 2)
    let twin: Author | undefined
    for (const [index, each] of main.entries()) {
      if (index === fork && branch.length > 0) twin = author.twin()
      written.push(author.write(each))
    }
    // Not longer than the log: a fork shows only where both have a record.
    for (const each of branch.slice(0, main.length - fork)) if (twin !== undefined) written.push(twin.write(each))
    return written
  })

const records: fc.Arbitrary<readonly Written[]> = fc
  .tuple(logOf(3), logOf(4), logOf(5))
  .map((logs) => [genesis, ...logs.flat()])

interface Delivery {
  readonly order: readonly number[]
  readonly repeats: readonly number[]
  readonly batches: readonly number[]
  readonly modes: readonly ('single' | 'run')[]
}

const delivery: fc.Arbitrary<Delivery> = fc.record({
  order: fc.infiniteStream(fc.nat()).map((stream) => [...stream.take(80)]),
  repeats: fc.array(fc.nat(), { maxLength: 10 }),
  batches: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 3, maxLength: 20 }),
  modes: fc.array(fc.constantFrom('single', 'run'), { minLength: 3, maxLength: 20 }),
})

/** All frames in some order, some of them twice, cut into batches. */
function batchesOf(
  written: readonly Written[],
  how: Delivery,
): readonly (readonly [readonly Frame[], 'single' | 'run'])[] {
  const repeated = how.repeats.map((index) => written[index % written.length]).filter((each) => each !== undefined)
  const all = [...written, ...repeated]
  const order = new Map(all.map((each, index) => [each, how.order[index % how.order.length] ?? 0]))
  const frames = framesOf(all.toSorted((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0)))
  const batches: (readonly [readonly Frame[], 'single' | 'run'])[] = []
  for (let start = 0, n = 0; start < frames.length; n++) {
    const size = how.batches[n % how.batches.length] ?? 1
    batches.push([frames.slice(start, start + size), how.modes[n % how.modes.length] ?? 'single'])
    start += size
  }
  return batches
}

function tableOf(database: Database): string {
  const rows = database.prepare('SELECT * FROM view_tally_entities ORDER BY entity, records, sum, trail, version').all()
  const failures = database.prepare('SELECT entity, reason FROM view_failure ORDER BY entity').all()
  return JSON.stringify([rows, failures])
}

function open(path: string, seed: number) {
  const database = openDatabase({ path, schemas: [recordsSchema] })
  const { journal } = rig({ database, seed })
  journal.register(tallyView() as View)
  return { database, journal }
}

/** Frames refused because of what had not come yet are asked for again, as anti-entropy would. */
function settle(journal: ReturnType<typeof open>['journal'], written: readonly Written[]): void {
  for (const each of written) journal.ingest(space, [each.frame], 'single')
}

describe('the tables of a view', () => {
  it('depend on the records, not on their order, repetition or partition', () => {
    fc.assert(
      fc.property(records, delivery, delivery, (written, one, other) => {
        const tables = [one, other].map((how) => {
          const { database, journal } = open(':memory:', 7)
          for (const [frames, mode] of batchesOf(written, how)) journal.ingest(space, frames, mode)
          settle(journal, written)
          return tableOf(database)
        })
        assert.equal(tables[0], tables[1])
      }),
      { numRuns: 150 },
    )
  })

  it('are the same after restarts between the batches, and after a rebuild', () => {
    const folder = mkdtempSync(join(tmpdir(), 'plexus-views-'))
    try {
      let run = 0
      fc.assert(
        fc.property(records, delivery, (written, how) => {
          const path = join(folder, `${run++}.db`)
          for (const [frames, mode] of batchesOf(written, how)) {
            const { database, journal } = open(path, 7)
            journal.ingest(space, frames, mode)
            database.close()
          }
          const { database, journal } = open(path, 7)
          settle(journal, written)
          const straight = open(':memory:', 8)
          straight.journal.ingest(space, framesOf(written), 'run')
          settle(straight.journal, written)
          assert.equal(tableOf(database), tableOf(straight.database))
          database.exec('UPDATE view SET version = 0')
          database.close()
          const rebuilt = open(path, 7)
          assert.equal(tableOf(rebuilt.database), tableOf(straight.database))
          rebuilt.database.close()
        }),
        { numRuns: 20 },
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
