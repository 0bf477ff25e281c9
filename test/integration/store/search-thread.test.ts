/** The real thread on a real file: what it sees of what was written, and what becomes of it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { systemClock } from '../../../src/base/index.ts'
import {
  type Database,
  type FullText,
  fullText,
  openDatabase,
  type SearchThread,
  startSearchThread,
  ThreadedSearcher,
} from '../../../src/store/index.ts'

let folder: string
let database: Database
let threads: SearchThread[]
let searcher: ThreadedSearcher
let index: FullText

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plexus-search-'))
  const path = join(folder, 'store.db')
  database = openDatabase({ path })
  threads = []
  const startThread = (): SearchThread => {
    const thread = startSearchThread(path)
    threads.push(thread)
    return thread
  }
  searcher = new ThreadedSearcher({ startThread }, { clock: systemClock() })
  index = fullText(database, { name: 'fts', fields: { text: 1 }, searcher })
})

afterEach(async () => {
  await searcher[Symbol.asyncDispose]()
  database.close()
  rmSync(folder, { recursive: true })
})

async function find(query: string, tags?: readonly (readonly string[])[]): Promise<readonly string[]> {
  return (await index.search(query, { limit: 1_000, tags })).hits.map((hit) => hit.id).sort()
}

test('an index that has not been made yet is empty', async () => {
  assert.deepEqual(await index.search('alpha', { limit: 10 }), {
    hits: [],
    documents: 0,
    frequencies: { alpha: 0 },
    complete: true,
  })
})

test('a search sees everything that was committed before it was asked for, and nothing that was not', async () => {
  for (let number = 0; number < 200; number++) {
    index.put(`${number}`, { text: `alpha word${number}` })
    assert.deepEqual(await find(`word${number}`), [`${number}`])
    assert.equal((await index.search('alpha', { limit: 1 })).documents, number + 1)
  }
  assert.throws(() =>
    database.transaction(() => {
      index.put('never', { text: 'never' })
      throw new Error('no')
    }),
  )
  assert.deepEqual(await find('never'), [])
  index.put('a', { text: 'zebra' })
  assert.deepEqual(await find('zebra'), ['a'])
  index.remove('a')
  assert.deepEqual(await find('zebra'), [])
})

test('the thread answers as the connection that writes does, also when tables are made anew', async () => {
  const here = fullText(database, { name: 'fts', fields: { text: 1 } })
  for (let round = 0; round < 3; round++) {
    database.transaction(() => {
      for (let number = 0; number < 300; number++) {
        index.put(`${number}`, { text: `alpha beta${number % 7} gamma${number * round}` }, [`space ${number % 3}`])
      }
    })
    for (const query of ['alpha', 'beta3', 'alpha beta4', 'alhpa', 'gamma200', 'gam', 'nothing']) {
      for (const tags of [undefined, [['space 1']], [['space 4']]]) {
        const options = { limit: 50, tags }
        assert.deepEqual(await index.search(query, options), await here.search(query, options))
      }
    }
    assert.equal((await find('alpha', [['space 1']])).length, 100)
    for (const table of ['fts_token', 'fts_trigram', 'fts_doc', 'fts_word', 'fts_total'])
      database.exec(`DROP TABLE ${table}`)
    assert.deepEqual(await find('alpha'), [])
  }
})

test('a thread that was killed is replaced; what fails in it fails the search only', async () => {
  index.put('a', { text: 'alpha' })
  assert.deepEqual(await find('alpha'), ['a'])
  threads[0]?.kill()
  assert.deepEqual(await find('alpha'), ['a'])
  assert.equal(threads.length, 2)
  const within = { sql: 'SELECT id FROM no_such_table', params: [] }
  await assert.rejects(index.search('alpha', { limit: 1, within }), { code: 'ERR_STORE_FAILED' })
  assert.deepEqual(await find('alpha'), ['a'])
  assert.equal(threads.length, 2)
})

test('when it has ended, nothing keeps the database open', async () => {
  index.put('a', { text: 'alpha' })
  await find('alpha')
  await searcher[Symbol.asyncDispose]()
  // Only a connection that is alone may leave WAL mode.
  assert.equal(database.prepare('PRAGMA journal_mode = DELETE').get()?.journal_mode, 'delete')
})
