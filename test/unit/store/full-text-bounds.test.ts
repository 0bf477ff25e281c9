/** What a search costs at most, with many times as much in the index as it may look at. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type Database, type FullText, fullText, openDatabase, type Statement } from '../../../src/store/index.ts'

const CANDIDATES = 500
const DOCUMENTS = 10_000

let database: Database
let index: FullText
/** Rows that statements gave since the last question, by the table that they read. */
const rows = new Map<string, number>()

before(() => {
  database = counting(openDatabase({ path: ':memory:' }))
  index = fullText(database, { name: 'fts', fields: { text: 1 } })
  database.exec('CREATE TABLE chosen (id TEXT PRIMARY KEY, chosen INTEGER NOT NULL) STRICT')
  database.transaction(() => {
    const choose = database.prepare('INSERT INTO chosen VALUES (?, ?)')
    for (let number = 0; number < DOCUMENTS; number++) {
      const odd = number % 2 === 0 ? 'even' : 'odd'
      const rare = number === 7 ? 'platypus' : ''
      index.put(`${number}`, { text: `common ${odd} prefix${number} ${rare}` }, [`space ${number % 2}`])
      choose.run(`${number}`, number < 1_500 ? 1 : number === 9_999 ? 2 : 0)
    }
  })
})

function counting(inner: Database): Database {
  const count = (sql: string, n: number): void => {
    const table = /FROM \(?(?:SELECT \w+ FROM )?(\w+)/.exec(sql)?.[1] ?? sql
    rows.set(table, (rows.get(table) ?? 0) + n)
  }
  const counted = (sql: string): Statement => {
    const statement = inner.prepare(sql)
    return {
      run: statement.run,
      get: statement.get,
      all: (...params) => {
        const found = statement.all(...params)
        count(sql, found.length)
        return found
      },
      *iterate(...params) {
        for (const row of statement.iterate(...params)) {
          count(sql, 1)
          yield row
        }
      },
    }
  }
  return {
    prepare: counted,
    exec: (sql) => inner.exec(sql),
    transaction: (work) => inner.transaction(work),
    beforeCommit: (work) => inner.beforeCommit(work),
    close: () => inner.close(),
    [Symbol.dispose]: () => inner.close(),
  }
}

async function ask(text: string, options: Partial<Parameters<FullText['search']>[1]> = {}) {
  rows.clear()
  const answer = await index.search(text, { limit: DOCUMENTS, ...options })
  const read = (rows.get('json_each') ?? 0) as number
  const all = rows.values().reduce((sum, each) => sum + each, 0)
  return { ...answer, read, all }
}

test('of a word that all documents hold so many are ranked as may be candidates, and the answer says so', async () => {
  const { hits, frequencies, documents, complete, read, all } = await ask('common')
  assert.deepEqual([hits.length, read, complete], [CANDIDATES, CANDIDATES, false])
  assert.deepEqual([documents, frequencies.common], [DOCUMENTS, DOCUMENTS])
  assert.ok(all < 4 * CANDIDATES, `${all} rows`)
})

test('a rare word is not lost among common ones', async () => {
  const { hits, read, all } = await ask('common even platypus odd')
  assert.equal(hits[0]?.id, '7')
  assert.ok(read <= CANDIDATES)
  assert.ok(all < 8 * CANDIDATES, `${all} rows`)
})

test('queries of many words look at fewer documents', async () => {
  const { read } = await ask(`common even odd ${Array.from({ length: 61 }, (_, n) => `prefix${n}`).join(' ')}`)
  assert.ok(read < CANDIDATES / 2, `${read}`)
})

test('of ten thousand words that hold a part or differ by a letter, a few stand for it', async () => {
  for (const word of ['prefix', 'prefx1', 'refi']) {
    const { hits, all } = await ask(word)
    assert.ok(hits.length <= 20, `${hits.length}`)
    assert.ok(all < 2 * CANDIDATES, `${all} rows`)
  }
})

test('tags narrow down without reading what they leave out', async () => {
  const { hits, read } = await ask('common', { tags: [['space 1']] })
  assert.deepEqual([hits.length, read], [CANDIDATES, CANDIDATES])
  assert.ok(hits.every(({ id }) => Number(id) % 2 === 1))
})

test('a selection that is small is looked at whole, a large one is held against a bounded number of matches', async () => {
  const select = (chosen: number) => ({ sql: 'SELECT id FROM chosen WHERE chosen = ?', params: [chosen] })
  const one = await ask('common', { within: select(2) })
  assert.deepEqual([one.hits.map(({ id }) => id), one.complete], [['9999'], true])
  // The 1,500 oldest: all matches are walked to pick them out.
  const some = await ask('common', { within: select(1) })
  assert.deepEqual([some.hits.length, some.complete], [CANDIDATES, false])
  assert.ok(some.hits.every(({ id }) => Number(id) < 1_500))
  assert.ok(some.all <= DOCUMENTS + 1_500 + 3 * CANDIDATES, `${some.all} rows`)
  // More than can be picked out, and none of them among the newest 5,000 matches.
  database.exec('UPDATE chosen SET chosen = 3 WHERE CAST(id AS INTEGER) < 4_900')
  const more = database.prepare('INSERT INTO chosen VALUES (?, 3)')
  for (let number = 0; number < 200; number++) more.run(`more-${number}`)
  const many = await ask('common', { within: select(3) })
  assert.deepEqual([many.hits.length, many.complete], [0, false])
  assert.ok(many.all <= 5_000 + 5_001 + 4 * CANDIDATES, `${many.all} rows`)
})
