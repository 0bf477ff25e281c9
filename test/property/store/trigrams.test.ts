import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fullText, openDatabase } from '../../../src/store/index.ts'
import { differByOne } from '../../../src/store/trigrams.ts'

/** Edits between two words, neighbours that change places counting as one (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (_, j) => i + j))
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const other = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + other)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, rows[i - 2]![j - 2]! + 1)
      rows[i]![j] = best
    }
  }
  return rows[a.length]![b.length]!
}

const fewLetters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 })

test('two words differ by one exactly when their distance is one', () => {
  fc.assert(
    fc.property(fewLetters, fewLetters, (a, b) => {
      assert.equal(differByOne(a, b), distance(a, b) === 1)
    }),
    { numRuns: 2000 },
  )
})

/** One mistake of any kind at any place. */
function misspell(word: string, kind: number, place: number, letter: string): string {
  const at = place % word.length
  const [before, here, after] = [word.slice(0, at), word[at] ?? '', word.slice(at + 1)]
  if (kind === 0) return before + letter + after
  if (kind === 1) return before + after
  if (kind === 2) return before + letter + here + after
  return before + after.slice(0, 1) + here + after.slice(1)
}

test('a word of nine letters or more is found with one mistake, wherever it is', async () => {
  using database = openDatabase({ path: ':memory:' })
  const index = fullText(database, { name: 'fts', fields: { text: 1 } })
  await fc.assert(
    fc.asyncProperty(
      fc.stringMatching(/^[a-z]{9,20}$/),
      fc.nat({ max: 3 }),
      fc.nat({ max: 1000 }),
      fc.stringMatching(/^[a-z]$/),
      async (word, kind, place, letter) => {
        index.put('it', { text: `some words, ${word}: and others` })
        const { hits } = await index.search(misspell(word, kind, place, letter), { limit: 10 })
        assert.deepEqual(
          hits.map((hit) => hit.id),
          ['it'],
        )
      },
    ),
    { numRuns: 300 },
  )
})
