import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Database, openDatabase } from '../../../src/store/index.ts'

/** A tree of writes and of transactions that end well or badly. */
type Work = { readonly write: number } | { readonly later: number } | Part

interface Part {
  readonly parts: readonly Work[]
  readonly fails: boolean
}

const { work } = fc.letrec<{ work: Work }>((tie) => ({
  work: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.record({ write: fc.nat({ max: 5 }) }),
    fc.record({ later: fc.nat({ max: 5 }) }),
    fc.record({ parts: fc.array(tie('work'), { maxLength: 5 }), fails: fc.boolean() }),
  ),
}))

class Failure extends Error {}

function run(database: Database, each: Work): void {
  const count = (key: number): void => {
    database.prepare('INSERT INTO counter VALUES (?, 1) ON CONFLICT DO UPDATE SET n = n + 1').run(key)
  }
  if ('write' in each) count(each.write)
  else if ('later' in each) database.beforeCommit(() => count(each.later))
  else attempt(database, each)
}

function attempt(database: Database, { parts, fails }: Part): void {
  try {
    database.transaction(() => {
      for (const part of parts) run(database, part)
      if (fails) throw new Failure()
    })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
  }
}

/** The writes that last: all but those in a transaction that failed. */
function lasting(each: Work): readonly number[] {
  if ('write' in each) return [each.write]
  if ('later' in each) return [each.later]
  return each.fails ? [] : each.parts.flatMap(lasting)
}

test('exactly the writes outside of failed transactions last', () => {
  fc.assert(
    fc.property(fc.array(work, { maxLength: 6 }), (works) => {
      using database = openDatabase({ path: ':memory:' })
      database.exec('CREATE TABLE counter (key INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT')
      for (const each of works) run(database, each)
      const expected: Record<string, number> = {}
      for (const key of works.flatMap(lasting)) expected[key] = (expected[key] ?? 0) + 1
      const rows = database.prepare('SELECT key, n FROM counter').all()
      assert.deepEqual(Object.fromEntries(rows.map((row) => [row.key, row.n])), expected)
    }),
    { numRuns: 500 },
  )
})
