import assert from 'node:assert/strict'
import { test } from 'node:test'
import { A, B, Book, C, F } from './control-book.ts'

test('an admission needs an admin, and a level above its own', () => {
  const book = new Book()
  book.admit(F, A, 'writer', 1)
  book.admit(A, B, 'writer', 2)
  book.admit(F, C, 'admin', 0)
  assert.deepEqual(book.roles(), { founder: 'founder', a: 'writer' })
})

test('of two admissions of one device the lower level wins, then the lower id', () => {
  const book = new Book()
  book.admit(F, A, 'admin', 1)
  book.admit(A, B, 'reader', 2)
  book.admit(F, B, 'writer', 1)
  book.admit(F, B, 'reader', 1)
  const { members } = book.evaluate()
  assert.equal(members.get(B)?.role, 'writer')
  assert.equal(members.get(B)?.level, 1)
  assert.equal(members.get(B)?.admittedBy, F)
})

test('the latest role holds, and of concurrent ones that of the more senior author', () => {
  const book = new Book()
  book.admit(F, A, 'admin', 1)
  const admission = book.admit(A, B, 'reader', 2)
  const raised = book.role(A, B, 'writer', admission)
  assert.equal(book.roles()[B], 'writer')
  book.role(A, B, 'admin', raised)
  assert.equal(book.roles()[B], 'admin')
  book.role(F, B, 'relay', raised)
  assert.equal(book.roles()[B], 'relay', 'the founder spoke at the same time as the admin')
})

test('an equal cannot change an equal', () => {
  const book = new Book()
  book.admit(F, A, 'admin', 1)
  const admission = book.admit(F, B, 'admin', 1)
  book.role(A, B, 'reader', admission)
  assert.equal(book.roles()[B], 'admin')
})

test('a lowered admin keeps what it had decided, up to the cut, and decides nothing more', () => {
  const book = new Book()
  const admission = book.admit(F, A, 'admin', 1)
  book.admit(A, B, 'writer', 2)
  book.role(F, A, 'reader', admission, 1)
  book.admit(A, C, 'writer', 2)
  assert.deepEqual(book.roles(), { founder: 'founder', a: 'reader', b: 'writer' })
  assert.equal(book.evaluate().members.get(A)?.granted, 'admin', 'its logs stay with the space')
})

test('a lowered admin cannot take back its voice by lowering itself further', () => {
  const book = new Book()
  const admission = book.admit(F, A, 'admin', 1)
  const lowered = book.role(F, A, 'reader', admission)
  book.role(A, A, 'relay', lowered, 1_000)
  book.admit(A, C, 'admin', 2)
  assert.deepEqual(book.roles(), { founder: 'founder', a: 'reader' })
})

test('an admin may lower itself, and be raised again by others only', () => {
  const book = new Book()
  const admission = book.admit(F, A, 'admin', 1)
  const lowered = book.role(A, A, 'writer', admission, 1)
  book.role(A, A, 'admin', lowered, 9)
  assert.equal(book.roles()[A], 'writer')
  book.role(F, A, 'admin', lowered)
  assert.equal(book.roles()[A], 'admin')
})

test('an invite counts its uses in the log of its issuer, and only until it expires', () => {
  const book = new Book()
  book.admit(F, A, 'admin', 1)
  book.write(F, 'invite', { key: 'k', role: 'writer', uses: 1, expires: 100 })
  book.admit(A, B, 'writer', 2, { invite: 'k' })
  assert.equal(book.roles()[B], undefined, 'another device cannot use it')
  book.admit(F, B, 'reader', 1, { invite: 'k' })
  assert.equal(book.roles()[B], undefined, 'it is for a writer')
  book.admit(F, B, 'writer', 1, { invite: 'k', ms: 101 })
  assert.equal(book.roles()[B], undefined, 'it has expired')
  book.admit(F, B, 'writer', 1, { invite: 'k', ms: 100 })
  book.admit(F, C, 'writer', 1, { invite: 'k', ms: 100 })
  assert.deepEqual(book.roles(), { founder: 'founder', a: 'admin', b: 'writer' })
  assert.deepEqual(
    book.evaluate().invites.map(({ id, used }) => [id, used]),
    [['k', 1]],
  )
})

test('an admission before its invite counts for nothing', () => {
  const book = new Book()
  book.admit(F, A, 'writer', 1, { invite: 'k' })
  book.write(F, 'invite', { key: 'k', role: 'writer', uses: 1, expires: 100 })
  assert.deepEqual(book.roles(), { founder: 'founder' })
})
