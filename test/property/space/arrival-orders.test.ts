import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesOfHex, type PeerId, peerIdOfKey } from '../../../src/base/index.ts'
import { evaluateMembership } from '../../../src/space/index.ts'
import { A, B, Book, C, D, DATA, F, LOG, M, N, OTHER_LOG } from '../../unit/space/control-book.ts'
import { verdictsOf } from './control-sets.ts'
import type { Verdicts } from './reference-evaluator.ts'
import { Replica, stateOf, storedForm } from './replica.ts'

const RECOVERY_KEY = '07'.repeat(32)
const R: PeerId = peerIdOfKey(bytesOfHex(RECOVERY_KEY))
const BYTES = new Uint8Array()

/** Small sets in which somebody contradicts somebody else. */
const STORIES: Readonly<Record<string, () => Book>> = {
  'two admins of one level remove each other, and the founder one of them': () => {
    const book = new Book()
    book.admit(F, A, 'admin', 1)
    book.admit(F, B, 'admin', 1)
    book.revoke(A, B, {})
    book.revoke(B, A, { [LOG]: 9 })
    book.admit(A, C, 'writer', 2)
    book.revoke(F, A, { [LOG]: 1 })
    book.admit(B, D, 'writer', 2)
    return book
  },
  'a chain of admins loses its middle': () => {
    const book = new Book()
    book.admit(F, A, 'admin', 1)
    book.admit(A, B, 'admin', 2)
    book.admit(B, C, 'admin', 3)
    book.admit(C, D, 'writer', 4)
    book.revoke(C, D, { [DATA]: 3 })
    book.revoke(A, C, { [LOG]: 1 })
    book.revoke(F, B, { [LOG]: 1 })
    return book
  },
  'an admin is lowered while it admits, and raised again': () => {
    const book = new Book()
    const admission = book.admit(F, A, 'admin', 1)
    book.admit(A, B, 'writer', 2)
    const lowered = book.role(F, A, 'reader', admission, 1)
    book.admit(A, C, 'writer', 2)
    book.role(A, A, 'relay', admission, 9)
    book.role(F, A, 'writer', lowered)
    book.revoke(A, B, {})
    return book
  },
  'an invite is used by two while it is withdrawn by two': () => {
    const book = new Book()
    book.admit(F, A, 'admin', 1)
    book.write(A, 'invite', { key: 'k', role: 'writer', uses: 1, expires: 100 })
    book.admit(A, B, 'writer', 2, { invite: 'k' })
    book.admit(A, C, 'writer', 2, { invite: 'k' })
    book.write(A, 'revoke', { invite: 'k', cuts: [] })
    book.write(F, 'revoke', { invite: 'k', cuts: [[LOG, 2, 'at-2' as never]] })
    book.admit(A, B, 'reader', 3)
    return book
  },
  'a device leaves, comes back and leaves again': () => {
    const book = new Book()
    book.admit(F, A, 'admin', 1)
    const left = book.revoke(A, A, { [DATA]: 3 })
    book.admit(A, B, 'writer', 2)
    book.admit(F, A, 'writer', 1, { after: [left.id] })
    book.write(A, 'erase', { device: A, log: DATA, seq: 1 }, { log: OTHER_LOG })
    book.revoke(A, A, { [LOG]: 1 }, { log: OTHER_LOG })
    book.accept(F, A, { log: LOG, from: 2, to: 2 })
    return book
  },
  'removed by two, returned by two who do not know of each other': () => {
    const book = new Book()
    book.admit(F, A, 'admin', 1)
    book.admit(F, B, 'writer', 2)
    const one = book.revoke(A, B, { [DATA]: 5 })
    const two = book.revoke(F, B, { [DATA]: 4 })
    book.admit(A, B, 'admin', 2, { after: [one.id, two.id] })
    book.admit(F, B, 'reader', 2, { after: [two.id] })
    book.accept(F, B, { from: 5, to: 8 })
    return book
  },
  'a key is handed over, twice, and taken back': () => {
    const book = new Book()
    book.admit(F, A, 'admin', 1)
    book.rotate(A, N, { [LOG]: 0 })
    book.rotate(A, M, {}, { log: OTHER_LOG })
    book.revoke(A, A, {}, { log: '00000000000000cc' })
    book.admit(N, B, 'writer', 2)
    book.admit(M, C, 'writer', 2)
    book.revoke(F, A, { [LOG]: 1 })
    return book
  },
  'hands over along a chain while the first is removed': () => {
    const book = new Book()
    const admission = book.admit(F, A, 'admin', 1)
    book.rotate(A, N, {})
    book.rotate(N, M, {}, { principal: 'of a' })
    book.admit(M, B, 'writer', 2)
    book.role(F, A, 'reader', admission)
    book.revoke(F, N, { [LOG]: 1 })
    book.revoke(F, M, { [LOG]: 1 })
    return book
  },
  'the recovery key against the founder': () => {
    const book = new Book({ recovery: RECOVERY_KEY })
    book.admit(F, A, 'admin', 1)
    book.revoke(F, A, {})
    book.admit(A, B, 'writer', 2)
    book.revoke(R, F, { [LOG]: 2 })
    book.admit(R, N, 'admin', 0)
    book.accept(R, F, { log: LOG, from: 3, to: 3 })
    book.revoke(N, A, { [LOG]: 1 })
    return book
  },
  'branches chosen by three': () => {
    const book = new Book()
    book.admit(F, A, 'admin', 1)
    book.admit(F, B, 'writer', 2)
    book.accept(B, B, { from: 4, to: 7, first: 'left' })
    book.accept(A, B, { from: 4, to: 5, first: 'right' })
    book.accept(F, B, { from: 6, to: 9 })
    book.accept(A, B, { from: 6, to: 8 })
    book.revoke(A, B, { [DATA]: 4 })
    return book
  },
  'devices of one person': () => {
    const book = new Book()
    const admission = book.admit(F, A, 'writer', 1)
    book.admit(A, B, 'admin', 2, { principal: 'of a', proof: BYTES })
    book.admit(B, C, 'writer', 3, { principal: 'of a', proof: BYTES })
    book.revoke(B, A, {})
    book.revoke(A, B, { [LOG]: 1 })
    book.role(F, A, 'reader', admission)
    book.revoke(C, C, {})
    return book
  },
}

function* permutations<T>(items: readonly T[]): Generator<readonly T[]> {
  if (items.length === 0) yield []
  for (const [index, first] of items.entries()) {
    for (const rest of permutations(items.toSpliced(index, 1))) yield [first, ...rest]
  }
}

for (const [name, tell] of Object.entries(STORIES)) {
  test(`every order of arrival: ${name}`, () => {
    const { genesis, records } = tell()
    const expected = textOf(verdictsOf(evaluateMembership(genesis, records), records))
    let orders = 0
    for (const order of permutations(records)) {
      orders++
      const state = stateOf(genesis, [])
      const replica = new Replica(genesis)
      for (const record of order) {
        state.add(storedForm(record), record)
        replica.offer(record)
      }
      while (order.some((record) => replica.offer(record)));
      assert.equal(textOf(verdictsOf(state.membership, records)), expected)
      assert.equal(textOf(verdictsOf(replica.state.membership, records)), expected)
    }
    assert.equal(orders, 5040)
  })
}

/** As text that does not depend on the order of names. */
function textOf(verdicts: Verdicts): string {
  return JSON.stringify(verdicts, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}
