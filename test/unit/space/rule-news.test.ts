import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RuleNews } from '../../../src/space/rule-news.ts'
import { A, B, Book, C, D, DATA, F, LOG } from './control-book.ts'

function lab(): Book {
  const book = new Book()
  book.admit(F, A, 'admin', 1)
  book.admit(A, B, 'writer', 2)
  book.admit(A, C, 'reader', 2)
  return book
}

test('at the start, those with a rule of their own are told; after that, those whose rules changed', () => {
  const book = lab()
  book.revoke(F, B, { [DATA]: 3 })
  const news = new RuleNews()
  const marks = () => book.evaluate().rules.marks
  assert.deepEqual(news.takeRules(marks()), new Set([B, C]), 'one was removed, one may only write control records')
  assert.deepEqual(news.takeRules(marks()), new Set())
  book.admit(A, D, 'writer', 2)
  assert.deepEqual(news.takeRules(marks()), new Set([D]))
  book.accept(F, B, { from: 4, to: 5 })
  assert.deepEqual(news.takeRules(marks()), new Set([B]))
})

test('who is no member any more for want of an admission is told of too', () => {
  const book = lab()
  const news = new RuleNews()
  news.takeRules(book.evaluate().rules.marks)
  book.revoke(F, A, { [LOG]: 1 })
  assert.deepEqual(news.takeRules(book.evaluate().rules.marks), new Set([A, C]))
})

test('a state that takes the place of another tells again all that was ever told', () => {
  const book = lab()
  const news = new RuleNews()
  news.takeRules(book.evaluate().rules.marks)
  const kept = book.records.length
  book.revoke(F, B, { [DATA]: 3 })
  assert.deepEqual(news.takeRules(book.evaluate().rules.marks), new Set([B]))
  // Rolled back, and then written after all.
  const removal = book.records.splice(kept)
  const after = new RuleNews(news)
  book.records.push(...removal)
  assert.deepEqual(after.takeRules(book.evaluate().rules.marks), new Set([B, C]))
})

test('what was erased is told of once, and all of it after a change of state', () => {
  const book = lab()
  const news = new RuleNews()
  book.write(B, 'erase', { device: B, log: DATA, seq: 1 })
  const place = { author: B, log: DATA, seq: 1 }
  assert.deepEqual(news.takeErased(book.evaluate().rules.erased), [place])
  assert.deepEqual(news.takeErased(book.evaluate().rules.erased), [])
  assert.deepEqual(new RuleNews(news).takeErased(book.evaluate().rules.erased), [place])
})

test('what is erased no longer is told of, whatever was answered or rolled back meanwhile', () => {
  const book = lab()
  const news = new RuleNews()
  const erased = () => book.evaluate().rules.erased
  book.write(A, 'erase', { device: B, log: DATA, seq: 1 })
  const place = { author: B, log: DATA, seq: 1 }
  assert.deepEqual(news.takeErased(erased()), [place])
  book.revoke(F, A, {})
  assert.deepEqual(news.takeErased(erased()), [place])
  assert.deepEqual(news.takeErased(erased()), [])
  assert.deepEqual(new RuleNews(news).takeErased(erased()), [place], 'that may have been rolled back')
  const hasty = new RuleNews()
  hasty.takeErased(erased())
  hasty.noteErased(`${B}/${DATA}/1`)
  assert.deepEqual(hasty.takeErased(erased()), [place])
})
