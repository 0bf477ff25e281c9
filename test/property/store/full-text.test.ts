import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Database, type FullText, fullText, openDatabase } from '../../../src/store/index.ts'

const FIELDS = { title: 3, body: 1 }

interface Document {
  readonly title: string
  readonly body: string
}

/** Few words, so that they meet; forms of one stem, typing mistakes, scripts without spaces. */
const word = fc.constantFrom(
  'learning',
  'learned',
  'lerning',
  'gossip',
  'transformers',
  'transfromers',
  'ai',
  'the',
  'of',
  'naïve',
  'naive',
  '学习',
  '机器学习',
  'x1',
  'OR',
  '"',
)
const text = fc.oneof(
  { weight: 4, arbitrary: fc.array(word, { maxLength: 6 }).map((words) => words.join(' ')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
)
const document: fc.Arbitrary<Document> = fc.record({ title: text, body: text })
const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), id, document }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function apply(index: FullText, documents: Map<string, Document>, each: Step): void {
  if (each.do === 'put') {
    index.put(each.id, { ...each.document })
    documents.set(each.id, each.document)
  } else if (each.do === 'remove') {
    index.remove(each.id)
    documents.delete(each.id)
  } else {
    index.clear()
    documents.clear()
  }
}

function open(): { readonly database: Database; readonly index: FullText } {
  const database = openDatabase({ path: ':memory:' })
  return { database, index: fullText(database, { name: 'fts', fields: FIELDS }) }
}

test('answers depend on the documents there are, and not on how they came to be there', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { maxLength: 8 }), { maxLength: 5 }),
      fc.array(text, { maxLength: 4 }),
      async (batches, queries) => {
        const { database, index } = open()
        const documents = new Map<string, Document>()
        for (const batch of batches) {
          database.transaction(() => {
            for (const each of batch) apply(index, documents, each)
          })
        }
        const fresh = open()
        for (const key of [...documents.keys()].sort()) fresh.index.put(key, { ...documents.get(key)! })
        for (const query of queries) {
          const answer = await index.search(query, { limit: 100 })
          assert.deepEqual(answer, await fresh.index.search(query, { limit: 100 }))
          assert.equal(answer.documents, documents.size)
          for (const hit of answer.hits) assert.ok(documents.has(hit.id))
        }
        for (const table of documents.size === 0 ? [] : ['fts_token', 'fts_trigram']) {
          database.exec(`INSERT INTO ${table} (${table}, rank) VALUES ('integrity-check', 1)`)
        }
        database.close()
        fresh.database.close()
      },
    ),
  )
})

test('any query at all is answered, and a text finds itself if it has a word', async () => {
  const { database, index } = open()
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 60 }), async (query) => {
      index.put('self', { title: query, body: '' })
      const answer = await index.search(query, { limit: 10 })
      const terms = Object.keys(answer.frequencies)
      assert.deepEqual(
        answer.hits.map((hit) => hit.id),
        terms.length > 0 ? ['self'] : [],
      )
      for (const term of terms) assert.equal(answer.frequencies[term], 1, JSON.stringify(term))
      assert.deepEqual(Object.keys(answer.hits[0]?.weights ?? {}).sort(), terms.sort())
    }),
    { numRuns: 1000 },
  )
  database.close()
})

test('what was removed is nowhere in the tables', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.stringMatching(/^[a-z]{6,12}$/), { minLength: 2, maxLength: 12 }),
      async (words) => {
        const { database, index } = open()
        database.transaction(() => {
          for (const [number, each] of words.entries())
            index.put(`id${number}`, { title: `${each} ${each}ing`, body: 'zzz' })
        })
        for (const [number] of words.entries()) if (number > 0) index.remove(`id${number}`)
        database.exec("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab('main', 'fts_token', 'row')")
        const left = database
          .prepare('SELECT term FROM vocabulary')
          .all()
          .map((row) => row.term)
        const kept = [words[0]!, `${words[0]}ing`, 'zzz']
        const { frequencies } = await index.search(kept.join(' '), { limit: 1 })
        assert.deepEqual(left, [...new Set([...kept.map((each) => `_${each}`), ...Object.keys(frequencies)])].sort())
        assert.deepEqual(
          database
            .prepare('SELECT word FROM fts_word ORDER BY word')
            .all()
            .map((row) => row.word),
          kept.toSorted(),
        )
        const blocks = database
          .prepare('SELECT block FROM fts_token_data UNION ALL SELECT block FROM fts_trigram_data')
          .all()
        const raw = Buffer.concat(blocks.map((row) => row.block as Uint8Array)).toString('latin1')
        for (const each of words.slice(1)) {
          const ends = each.slice(-4)
          if (!words[0]!.includes(ends) && !`${words[0]}ing`.includes(ends)) assert.ok(!raw.includes(each), each)
        }
        database.close()
      },
    ),
    { numRuns: 50 },
  )
})

test('tags and selections leave exactly those out that they do not name', async () => {
  const tag = fc.constantFrom('space a', 'space b', 'author x', 'author y', 'author z', '')
  const tagged = fc.record({ document, tags: fc.uniqueArray(tag, { maxLength: 3 }), size: fc.nat({ max: 2 }) })
  await fc.assert(
    fc.asyncProperty(
      fc.array(tagged, { maxLength: 12 }),
      fc.array(fc.uniqueArray(tag, { maxLength: 2 }), { maxLength: 3 }),
      fc.option(fc.nat({ max: 2 }), { nil: undefined }),
      text,
      async (documents, tags, size, query) => {
        const { database, index } = open()
        database.exec('CREATE TABLE sizes (id TEXT PRIMARY KEY, size INTEGER NOT NULL) STRICT')
        documents.forEach(({ document, tags, size }, number) => {
          index.put(`${number}`, { ...document }, tags)
          database.prepare('INSERT INTO sizes VALUES (?, ?)').run(`${number}`, size)
        })
        const all = await index.search(query, { limit: 100 })
        const within = size === undefined ? undefined : { sql: 'SELECT id FROM sizes WHERE size = ?', params: [size] }
        const some = await index.search(query, { limit: 100, tags, within })
        const allowed = ({ id }: { readonly id: string }): boolean => {
          const own = documents[Number(id)]
          return (
            tags.every((list) => list.some((each) => own?.tags.includes(each))) &&
            (size === undefined || own?.size === size)
          )
        }
        const ids = (hits: readonly { readonly id: string }[]): readonly string[] => hits.map(({ id }) => id).sort()
        assert.deepEqual(ids(some.hits), ids(all.hits.filter(allowed)))
        assert.deepEqual(some.frequencies, all.frequencies)
        database.close()
      },
    ),
    { numRuns: 300 },
  )
})
