import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import {
  type Database,
  type FullText,
  fullText,
  openDatabase,
  type TextSearchOptions,
} from '../../../src/store/index.ts'

let database: Database
let index: FullText

beforeEach(() => {
  database = openDatabase({ path: ':memory:' })
  index = fullText(database, { name: 'fts_paper', fields: { title: 3, abstract: 1 } })
})

function put(id: string, title: string, abstract = ''): void {
  index.put(id, { title, abstract })
}

async function find(query: string, options: Partial<TextSearchOptions> = {}): Promise<readonly string[]> {
  return (await index.search(query, { limit: 10, ...options })).hits.map((hit) => hit.id)
}

suite('finding', () => {
  test('other forms of a word', async () => {
    put('a', 'Connected agents learn')
    for (const query of ['connection', 'CONNECTING agent', 'learning', 'learns'])
      assert.deepEqual(await find(query), ['a'])
    assert.deepEqual(await find('teaching'), [])
  })

  test('words with and without diacritics, wide and composed characters', async () => {
    put('a', 'Gödel, Erdős und die Café-Frage: ﬁnite Ｆｉｅｌｄｓ')
    for (const query of ['godel', 'GÖDEL', 'erdos', 'cafe\u0301', 'finite', 'fields'])
      assert.deepEqual(await find(query), ['a'], query)
  })

  test('words of one and two characters', async () => {
    put('a', 'R and AI for the μ-calculus')
    put('b', 'C and ML')
    assert.deepEqual(await find('AI'), ['a'])
    assert.deepEqual(await find('r'), ['a'])
    assert.deepEqual(await find('μ'), ['a'])
    assert.deepEqual(await find('c ml'), ['b'])
  })

  test('words of languages without spaces, and other scripts', async () => {
    put('zh', '机器学习入门', '深度学习是一种方法')
    put('ja', '分散型ネットワークの学習')
    put('th', 'การเรียนรู้ของเครื่อง')
    put('ko', '분산 학습 네트워크')
    put('ru', 'Распределённое обучение')
    put('hi', 'मशीन लर्निंग')
    assert.deepEqual(await find('学习'), ['zh'])
    assert.deepEqual(await find('ネットワーク'), ['ja'])
    assert.deepEqual(await find('เรียนรู้'), ['th'])
    assert.deepEqual(await find('학습'), ['ko'])
    assert.deepEqual(await find('ОБУЧЕНИЕ'), ['ru'])
    assert.deepEqual(await find('लर्निंग'), ['hi'])
    assert.deepEqual(await find('狗'), [])
  })

  test('parts of identifiers', async () => {
    put('a', 'DatabaseSyncOptions and node_sqlite')
    for (const query of ['databasesync', 'syncopt', 'sqlite', 'node_sqlite'])
      assert.deepEqual(await find(query), ['a'], query)
  })

  test('words with one typing mistake: another, a missing, an additional character, two exchanged', async () => {
    put('a', 'Robust federated transformers')
    for (const query of [
      'trensformers',
      'transfrmers',
      'transfformers',
      'tranfsormers',
      'transformesr',
      'fedrated',
      'rbust',
    ]) {
      assert.deepEqual(await find(query), query === 'rbust' ? [] : ['a'], query)
    }
    assert.deepEqual(await find('tronsfurmers'), [], 'two mistakes')
  })

  test('whatever the query looks like: it is never syntax', async () => {
    put('a', 'alpha beta gamma')
    const syntax = [
      '"alpha',
      'alpha"',
      "alpha'",
      'alpha AND',
      'NOT alpha',
      'NEAR(alpha beta, 2)',
      'alpha*',
      '^alpha',
      'title:alpha',
      '{title}: alpha',
      '- alpha',
      '(alpha',
      'alpha)',
      'alpha + beta',
      '\0alpha',
      'alpha\0',
      '; DROP TABLE alpha',
      '?1 alpha %',
      '\ud800 alpha',
    ]
    for (const query of syntax) assert.deepEqual(await find(query), ['a'], JSON.stringify(query))
    for (const query of ['', ' ', '...', '"', 'OR', '\u0301', '🧠', '\ud800'])
      assert.deepEqual(await find(query), [], JSON.stringify(query))
  })

  test('stop words count only when there is nothing else', async () => {
    put('a', 'to be or not to be')
    put('b', 'gossip')
    assert.deepEqual(await find('to be or not'), ['a'])
    assert.deepEqual(await find('the gossip of it'), ['b'])
    assert.deepEqual(Object.keys((await index.search('the gossip of it', { limit: 1 })).frequencies), ['gossip'])
  })

  test('the first 64 terms of a long query count', async () => {
    const words = Array.from({ length: 200 }, (_, number) => `w${number}`)
    put('first', 'w0')
    put('last', 'w199')
    const answer = await index.search(words.join(' '), { limit: 10 })
    assert.deepEqual(
      answer.hits.map((hit) => hit.id),
      ['first'],
    )
    assert.equal(Object.keys(answer.frequencies).length, 64)
    assert.deepEqual(await find('w0 '.repeat(100_000)), ['first'])
    assert.deepEqual(await find(`w0${'x'.repeat(100_000)}`), [])
  })
})

suite('ranking', () => {
  test('more of the words, rarer words and heavier fields come first', async () => {
    for (let number = 0; number < 20; number++) put(`common-${number}`, 'learning', 'about something')
    put('both', 'gossip learning', 'about something')
    put('rare', 'gossip', 'about something')
    put('below', 'something', 'gossip about it')
    assert.deepEqual(await find('gossip learning', { limit: 3 }), ['both', 'rare', 'below'])
  })

  test('equal documents come in the order of their ids, every time', async () => {
    for (const id of ['c', 'a', 'd', 'b']) put(id, 'the same text')
    assert.deepEqual(await find('same'), ['a', 'b', 'c', 'd'])
    assert.deepEqual(await find('same', { limit: 2 }), ['a', 'b'])
  })

  test('weights are BM25 without idf, with the field weights', async () => {
    put('a', 'learn learn', 'learn other words here')
    put('b', 'nothing', 'like it')
    const { hits, documents, frequencies } = await index.search('learning others', { limit: 10 })
    assert.deepEqual([documents, frequencies], [2, { learn: 1, other: 1 }])
    const averageLength = (6 + 3) / 2
    const norm = 1.2 * (0.25 + (0.75 * 6) / averageLength)
    assert.equal(hits.length, 1)
    assert.ok(Math.abs(hits[0]!.weights.learn! - (7 * 2.2) / (7 + norm)) < 1e-12)
    assert.ok(Math.abs(hits[0]!.weights.other! - (1 * 2.2) / (1 + norm)) < 1e-12)
  })

  test('what only trigrams found has no weights', async () => {
    put('a', 'transformers')
    assert.deepEqual((await index.search('transfromers', { limit: 1 })).hits[0]?.weights, {})
  })

  test('only the newest candidates are ranked', async () => {
    for (let number = 0; number < 30; number++) put(`${number}`, 'same')
    assert.deepEqual(await find('same', { candidates: 3 }), ['27', '28', '29'])
    assert.equal((await index.search('same', { limit: 50, candidates: 3 })).frequencies.same, 30)
    put('5', 'the same again')
    assert.deepEqual(await find('same', { candidates: 2 }), ['29', '5'])
  })

  test('a filter is asked before candidates are counted', async () => {
    database.exec('CREATE TABLE allowed (id TEXT PRIMARY KEY, size INTEGER NOT NULL) STRICT')
    const allow = database.prepare('INSERT INTO allowed VALUES (?, ?)')
    for (let number = 0; number < 30; number++) {
      put(`${number}`, 'same')
      allow.run(`${number}`, `${number}`.length)
    }
    const within = { sql: 'SELECT id FROM allowed WHERE size = ?', params: [1] }
    assert.deepEqual(await find('same', { within }), ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    assert.deepEqual(await find('other', { within }), [])
    for (let number = 0; number < 6_000; number++) allow.run(`more-${number}`, 1)
    assert.deepEqual(await find('same', { candidates: 3, within }), ['7', '8', '9'])
    assert.deepEqual(await find('same', { limit: 0 }), [])
  })

  test('only documents with the tags wanted are found, rare words or common', async () => {
    for (let number = 0; number < 100; number++) {
      index.put(`${number}`, { title: number % 10 === 0 ? 'rare word' : 'word' }, [
        `space ${number % 2}`,
        `author ${number % 5}`,
      ])
    }
    const all = { limit: 100 }
    assert.equal((await find('word', { ...all, tags: [['space 0']] })).length, 50)
    assert.equal((await find('word', { ...all, tags: [['space 0', 'space 1']] })).length, 100)
    assert.equal((await find('word', { ...all, tags: [['space 0'], ['author 1', 'author 2']] })).length, 20)
    assert.deepEqual(await find('rare', { ...all, tags: [['space 1']] }), [])
    assert.deepEqual(await find('word', { ...all, tags: [['space 2']] }), [])
    assert.deepEqual(await find('word', { ...all, tags: [[]] }), [])
    assert.deepEqual(await find('space author', all), [])
  })
})

suite('changing', () => {
  test('put replaces; remove, and a second time, leaves nothing', async () => {
    put('a', 'alpha')
    put('a', 'beta')
    assert.deepEqual([await find('alpha'), await find('beta')], [[], ['a']])
    index.remove('a')
    index.remove('a')
    const answer = await index.search('beta', { limit: 10 })
    assert.deepEqual(answer, { hits: [], documents: 0, frequencies: { beta: 0 }, complete: true })
    for (const table of ['token', 'trigram']) assertIntact(table)
    database.exec("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab('main', 'fts_paper_token', 'row')")
    assert.equal(database.prepare('SELECT count(*) AS n FROM vocabulary').get()?.n, 0)
    assert.equal(database.prepare('SELECT count(*) AS n FROM fts_paper_word').get()?.n, 0)
  })

  test('clear leaves nothing, and the index in order', async () => {
    put('a', 'alpha')
    index.clear()
    assert.deepEqual(await index.search('alpha', { limit: 10 }), {
      hits: [],
      documents: 0,
      frequencies: { alpha: 0 },
      complete: true,
    })
    put('b', 'alpha')
    assert.deepEqual(await find('alpha'), ['b'])
  })

  test('changes belong to the transaction around them', async () => {
    put('a', 'alpha')
    assert.throws(() =>
      database.transaction(() => {
        put('a', 'beta')
        put('b', 'beta')
        throw new Error('no')
      }),
    )
    assert.deepEqual([await find('alpha'), await find('beta')], [['a'], []])
    database.transaction(() => {
      index.clear()
      put('c', 'beta')
      put('c', 'gamma')
      put('d', 'gamma')
      index.remove('d')
    })
    assert.deepEqual([await find('alpha'), await find('beta'), await find('gamma')], [[], [], ['c']])
    for (const table of ['token', 'trigram']) assertIntact(table)
  })

  test('a word that moves to another field counts there', async () => {
    index.put('a', { title: 'alpha\n', abstract: 'beta' })
    const before = (await index.search('beta', { limit: 1 })).hits[0]?.weights.beta ?? 0
    index.put('a', { title: 'alpha', abstract: '\nbeta' })
    index.put('a', { title: 'alpha\nbeta', abstract: '' })
    assert.ok(((await index.search('beta', { limit: 1 })).hits[0]?.weights.beta ?? 0) > before)
  })

  test('a missing field is empty, one that the index does not have is ignored', async () => {
    index.put('a', { title: 'alpha' })
    index.put('b', { title: 'beta', note: 'alpha' })
    assert.deepEqual(await find('alpha'), ['a'])
  })

  test('an index is found again, several live side by side', async () => {
    put('a', 'alpha')
    const again = fullText(database, { name: 'fts_paper', fields: { title: 3, abstract: 1 } })
    const other = fullText(database, { name: 'fts_thought', fields: { text: 1 } })
    other.put('t', { text: 'alpha' })
    assert.deepEqual(
      (await again.search('alpha', { limit: 10 })).hits.map((hit) => hit.id),
      ['a'],
    )
    assert.deepEqual(
      (await other.search('alpha', { limit: 10 })).hits.map((hit) => hit.id),
      ['t'],
    )
  })

  test('a name that is no table name is refused', async () => {
    for (const name of ['', 'a-b', 'a b', "a'", '1a', 'A']) {
      assert.throws(() => fullText(database, { name, fields: { text: 1 } }), { code: 'ERR_INVALID_ARGUMENT' })
    }
  })
})

/** FTS5 compares the index with the documents, row by row (https://www.sqlite.org/fts5.html#the_integrity_check_command). */
function assertIntact(table: string): void {
  database.exec(`INSERT INTO fts_paper_${table} (fts_paper_${table}, rank) VALUES ('integrity-check', 1)`)
}
