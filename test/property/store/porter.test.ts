import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Database, openDatabase, stem } from '../../../src/store/index.ts'

/** What FTS5's own porter tokenizer makes of each word. */
function stemsOfSqlite(database: Database, words: readonly string[]): readonly string[] {
  return database.transaction(() => {
    database.exec("INSERT INTO words (words) VALUES ('delete-all')")
    const insert = database.prepare('INSERT INTO words (rowid, word) VALUES (?, ?)')
    for (const [index, word] of words.entries()) insert.run(index + 1, word)
    return database
      .prepare('SELECT term FROM vocabulary ORDER BY doc')
      .all()
      .map((row) => String(row.term))
  })
}

function openOracle(): Database {
  const database = openDatabase({ path: ':memory:' })
  database.exec(`
    CREATE VIRTUAL TABLE words USING fts5(word, content='', tokenize='porter ascii');
    CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, 'instance');`)
  return database
}

const SUFFIXES = (
  'sses ies ss s eed ed ing at bl iz tt y ational tional enci anci izer logi bli alli entli eli ousli ization ation ator alism iveness ' +
  'fulness ousness aliti iviti biliti icate ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent sion tion ion ' +
  'ou ism ate iti ous ive ize e ll yy l'
).split(' ')

const letters = (alphabet: string, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: 1, maxLength })
const root = fc.oneof(letters('abcdefghijklmnopqrstuvwxyz', 8), letters('aeiouybcstlnrwx', 6), letters('ay0e9b', 5))
const word = fc
  .tuple(root, fc.array(fc.constantFrom(...SUFFIXES), { maxLength: 4 }))
  .map(([first, rest]) => first + rest.join(''))

test('stems are those of the porter tokenizer of FTS5, for thousands of made-up words', () => {
  using oracle = openOracle()
  fc.assert(
    fc.property(fc.uniqueArray(word, { minLength: 100, maxLength: 300 }), (words) => {
      assert.deepEqual(words.map(stem), stemsOfSqlite(oracle, words))
    }),
    { numRuns: 60 },
  )
})

test('and for real ones', () => {
  using oracle = openOracle()
  const text = `
    caresses ponies ties caress cats feed agreed plastered bled motoring sing conflated troubled sized hopping tanned falling hissing fizzed
    failing filing happy sky relational conditional rational valency hesitancy digitizer conformably radically differently vilely analogously
    vietnamization predication operator feudalism decisiveness hopefulness callousness formality sensitivity sensibility triplicate formative
    formalize electricity electrical hopeful goodness revival allowance inference airliner gyroscopic adjustable defensible irritant
    replacement adjustment dependent adoption homologous communism activate angularity effective bowdlerize probate rate cease controlling
    rolling eed ies ed ing as is us be yes say saying dying lying skis news oven inning outing herring earring proceed exceed succeed
    federated learning transformers attention gradients aggregation byzantine robustness privacy differential distributed consensus replicas
    peers gossip protocols hashing signatures cryptographic databases indexing retrieval embeddings hypotheses hypothesis criteria analyses
    university universe universal organization organisation organizing generalization generalizability reproducibility annotations queries
    agents sharing thoughts thinking cognition cognitive metacognitive memories forgetting forgotten importance conversation conversational`
  const words = [...new Set(text.trim().split(/\s+/))]
  assert.deepEqual(words.map(stem), stemsOfSqlite(oracle, words))
})

test('words too short, too long or not English stay as they are', () => {
  for (const each of [
    '',
    's',
    'as',
    `${'a'.repeat(62)}ings`,
    `${'ab'.repeat(31)}ing`,
    'обучениеs',
    'caféing',
    'ポニーies',
  ]) {
    assert.equal(stem(each), each)
  }
})
