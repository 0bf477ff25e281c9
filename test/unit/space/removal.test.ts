import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesOfHex, type PeerId, peerIdOfKey } from '../../../src/base/index.ts'
import { A, B, Book, C, D, DATA, F, LOG, M, N, OTHER_DATA, OTHER_LOG } from './control-book.ts'

const BYTES = new Uint8Array()
const RECOVERY_KEY = '07'.repeat(32)
const R: PeerId = peerIdOfKey(bytesOfHex(RECOVERY_KEY))

/** Founder, admin A (1), writer B (2, by A). */
function lab(): Book {
  const book = new Book()
  book.admit(F, A, 'admin', 1)
  book.admit(A, B, 'writer', 2)
  return book
}

test('a removed device is no member, and its logs count up to the cuts; a log that is not named counts for nothing', () => {
  const book = lab()
  const revocation = book.revoke(F, B, { [DATA]: 7 })
  assert.deepEqual(book.roles(), { founder: 'founder', a: 'admin' })
  assert.equal(book.end(B), 7)
  assert.equal(book.end(B, OTHER_DATA), 0)
  assert.equal(book.end(B, LOG), 0)
  assert.equal(book.end(A), 'all')
  const former = book.evaluate().former.get(B)
  assert.equal(former?.reason, 'removed')
  assert.equal(former?.removedBy, F)
  assert.deepEqual(former?.revocations, [revocation.id])
  assert.equal(former?.role, 'writer')
})

test('what a removed admin decided up to the cut stays, and nothing after it counts', () => {
  const book = lab()
  book.revoke(F, A, { [LOG]: 1 })
  book.admit(A, C, 'writer', 2)
  assert.deepEqual(book.roles(), { founder: 'founder', b: 'writer' })
  assert.equal(book.end(C), 'unknown')
})

test('of two removals the lowest cut counts', () => {
  const book = lab()
  book.revoke(F, B, { [DATA]: 7, [OTHER_DATA]: 2 })
  book.revoke(A, B, { [DATA]: 5, [OTHER_DATA]: 4 })
  assert.deepEqual([book.end(B), book.end(B, OTHER_DATA)], [5, 2])
})

test('nobody removes a device of its own level or of a lower one, and nobody removes without being an admin', () => {
  const book = lab()
  book.admit(F, C, 'admin', 1)
  book.admit(F, D, 'writer', 1)
  book.revoke(A, C, {})
  book.revoke(C, A, {})
  book.revoke(A, F, {})
  book.revoke(D, B, {})
  book.revoke(B, A, {})
  assert.deepEqual(Object.keys(book.roles()), ['founder', 'a', 'c', 'd', 'b'])
})

test('two members who remove each other: the one above decides', () => {
  const book = lab()
  book.admit(A, C, 'admin', 2)
  book.revoke(A, C, {})
  book.revoke(C, A, {})
  assert.deepEqual(book.roles(), { founder: 'founder', a: 'admin', b: 'writer' })
})

test('a removal by somebody who was removed before it said so counts for nothing', () => {
  const book = lab()
  book.revoke(F, A, { [LOG]: 1 })
  book.revoke(A, B, {})
  assert.deepEqual(book.roles(), { founder: 'founder', b: 'writer' })
})

test('a device that leaves names how far its logs count, and its last word stays', () => {
  const book = lab()
  book.write(B, 'epoch', { n: 1, key: 'k', boxes: [] })
  book.revoke(B, B, { [DATA]: 3, [LOG]: 1 })
  book.write(B, 'epoch', { n: 2, key: 'k', boxes: [] })
  const { former, epochs } = book.evaluate()
  assert.equal(former.get(B)?.reason, 'left')
  assert.deepEqual([book.end(B), book.end(B, LOG)], [3, 2])
  assert.deepEqual(
    epochs.map(({ record }) => record.id),
    ['b-1'],
  )
})

test('after it left, nothing that a device says elsewhere is heard, though it is kept', () => {
  const book = lab()
  book.revoke(B, B, { [DATA]: 3 })
  book.write(B, 'erase', { device: B, log: DATA, seq: 1 }, { log: OTHER_LOG })
  assert.equal(book.end(B, OTHER_LOG), 'all')
  assert.equal(book.evaluate().rules.isErased(B, DATA, 1), false)
})

test('a device comes back by an admission that names what removed it, and goes on in new logs', () => {
  const book = lab()
  const gone = book.revoke(A, B, { [DATA]: 7 })
  book.admit(A, B, 'writer', 2)
  assert.equal(book.roles()[B], undefined, 'an admission from before, by its silence')
  book.admit(A, B, 'reader', 2, { after: [gone.id] })
  assert.equal(book.roles()[B], 'reader')
  assert.deepEqual([book.end(B), book.end(B, OTHER_DATA)], [7, 'all'])
  assert.equal(book.evaluate().former.has(B), false)
})

test('only somebody at least as senior as the remover can undo a removal', () => {
  const book = lab()
  const gone = book.revoke(F, B, { [DATA]: 7 })
  book.admit(A, B, 'writer', 2, { after: [gone.id] })
  assert.equal(book.roles()[B], undefined)
  book.admit(F, B, 'writer', 2, { after: [gone.id] })
  assert.equal(book.roles()[B], 'writer')
})

test('an admission undoes what it names and nothing else', () => {
  const book = lab()
  const first = book.revoke(A, B, { [DATA]: 7 })
  const second = book.revoke(F, B, { [DATA]: 6 })
  book.admit(A, B, 'writer', 2, { after: [first.id] })
  book.admit(F, B, 'writer', 2, { after: [second.id] })
  assert.equal(book.roles()[B], undefined, 'neither knew of the other')
  assert.equal(book.end(B, OTHER_DATA), 0)
  book.admit(F, B, 'writer', 2, { after: [first.id, second.id] })
  assert.equal(book.roles()[B], 'writer')
})

test('a second removal ends the logs of the second time, and what was said as a reader is not heard as of an admin', () => {
  const book = lab()
  book.admit(A, C, 'admin', 2)
  const gone = book.revoke(A, C, { [LOG]: 1 })
  book.admit(A, C, 'reader', 2, { after: [gone.id] })
  book.admit(C, D, 'writer', 3, { log: OTHER_LOG })
  book.revoke(A, C, { [LOG]: 1, [OTHER_LOG]: 1 })
  assert.equal(book.roles()[C], undefined)
  assert.equal(book.roles()[D], undefined, 'it was a reader then')
  assert.deepEqual([book.end(C, LOG), book.end(C, OTHER_LOG)], [1, 1])
})

test('a more senior admission lifts a device above who removed it', () => {
  const book = lab()
  book.revoke(A, B, {})
  book.admit(F, B, 'writer', 1)
  assert.equal(book.roles()[B], 'writer')
  assert.equal(book.end(B), 'all')
})

test('accepted records count again as far as they follow on the end, if a member at least as senior as the remover says so', () => {
  const book = lab()
  book.admit(F, C, 'admin', 2)
  book.revoke(F, B, { [DATA]: 5 })
  book.accept(A, B, { from: 6, to: 9 })
  assert.equal(book.end(B), 5, 'the founder removed it')
  book.accept(F, B, { from: 7, to: 9 })
  assert.equal(book.end(B), 5, 'a hole')
  book.accept(F, B, { from: 5, to: 6 })
  assert.equal(book.end(B), 9, 'both in a row')
  assert.equal(book.evaluate().rules.ruleOf(B, DATA).end?.id, 'at-9')
  book.accept(F, B, { log: OTHER_DATA, from: 1, to: 2 })
  assert.equal(book.end(B, OTHER_DATA), 2)
})

test('a branch of a fork is chosen by the device for its data and by others for its control logs, and closes the log', () => {
  const book = lab()
  book.admit(A, C, 'admin', 2)
  book.accept(B, B, { from: 4, to: 6, first: 'left' })
  assert.equal(book.end(B), 6)
  assert.deepEqual(book.evaluate().rules.ruleOf(B, DATA).branches, [{ seq: 4, id: 'left' }])
  book.accept(A, B, { from: 4, to: 5, first: 'right' })
  assert.deepEqual(book.evaluate().rules.ruleOf(B, DATA).branches, [{ seq: 4, id: 'right' }], 'the more senior choice')
  assert.equal(book.end(B), 5)
  book.accept(C, C, { log: OTHER_LOG, from: 2, to: 2, first: 'at-2' })
  assert.equal(book.end(C, OTHER_LOG), 'all', 'not its own control log')
})

test('a record is erased by its author or by an admin above it, and never a control record', () => {
  const book = lab()
  book.write(B, 'erase', { device: B, log: DATA, seq: 1 })
  book.write(A, 'erase', { device: B, log: DATA, seq: 2 })
  book.write(B, 'erase', { device: A, log: DATA, seq: 3 })
  book.write(A, 'erase', { device: B, log: LOG, seq: 1 })
  book.write(A, 'erase', { device: F, log: DATA, seq: 1 })
  assert.deepEqual([...book.evaluate().rules.erased].toSorted(), [`b/${DATA}/1`, `b/${DATA}/2`])
})

test('whoever is no admin brings in devices of its own, which agree, with no more than its role, and removes them', () => {
  const book = lab()
  book.admit(B, C, 'admin', 3, { principal: 'of b', proof: BYTES })
  assert.equal(book.roles()[C], 'writer', 'as much as B itself')
  book.admit(B, D, 'writer', 3, { principal: 'of b' })
  book.admit(B, D, 'writer', 3, { principal: 'of d', proof: BYTES })
  assert.equal(book.roles()[D], undefined, 'without its proof, or of somebody else')
  book.revoke(C, B, {})
  assert.equal(book.roles()[B], 'writer', 'the newer device has no power over the older one')
  book.revoke(B, C, { [DATA]: 2 })
  assert.equal(book.roles()[C], undefined)
  assert.equal(book.end(C), 2)
})

test('lowering a device lowers those that it brought in as its own', () => {
  const book = new Book()
  const admission = book.admit(F, A, 'writer', 1)
  book.admit(A, B, 'writer', 2, { principal: 'of a', proof: BYTES })
  book.role(F, A, 'reader', admission)
  assert.deepEqual(book.roles(), { founder: 'founder', a: 'reader', b: 'reader' })
  assert.equal(book.evaluate().members.get(B)?.granted, 'writer', 'what it wrote stays')
})

test('a device hands over level and role to its successor', () => {
  const book = lab()
  book.rotate(A, N, { [LOG]: 1, [DATA]: 4 })
  const { members, former } = book.evaluate()
  assert.deepEqual([members.get(N)?.role, members.get(N)?.level, members.get(N)?.admittedBy], ['admin', 1, A])
  assert.deepEqual([former.get(A)?.reason, former.get(A)?.successor], ['rotated', N])
  assert.deepEqual([book.end(A), book.end(A, LOG), book.end(A, OTHER_DATA)], [4, 2, 0])
  book.revoke(N, B, {})
  assert.equal(book.roles()[B], undefined, 'it speaks with the same authority')
})

test('the founder can hand over, again and again, to devices of its principal', () => {
  const book = lab()
  book.rotate(F, N, { [LOG]: 1 })
  book.rotate(N, M, {}, { principal: 'q' })
  assert.deepEqual(book.roles(), { a: 'admin', n: 'founder', b: 'writer' })
  book.rotate(N, M, {}, { principal: 'p' })
  assert.deepEqual(book.roles(), { a: 'admin', m: 'founder', b: 'writer' })
})

test('a successor is lowered and removed with the word of whoever is above', () => {
  const book = new Book()
  const admission = book.admit(F, A, 'admin', 1)
  book.rotate(A, N, {})
  book.role(F, A, 'reader', admission)
  assert.equal(book.roles()[N], 'reader', 'the founder did not know yet')
  book.revoke(F, N, {})
  assert.equal(book.roles()[N], undefined)
})

test('a rotation behind the cut of a removal counts for nothing', () => {
  const book = lab()
  book.admit(A, C, 'writer', 2)
  book.rotate(A, N, {})
  book.revoke(F, A, { [LOG]: 2 })
  assert.deepEqual(book.roles(), { founder: 'founder', b: 'writer', c: 'writer' })
})

test('the first rotation in a log counts; two that contradict each other in two logs hand over to nobody', () => {
  const book = lab()
  book.rotate(A, N, { [LOG]: 1 })
  book.rotate(A, M, { [LOG]: 1 })
  assert.equal(book.roles()[N], 'admin')
  assert.equal(book.roles()[M], undefined)
  book.rotate(A, M, { [LOG]: 1 }, { log: OTHER_LOG })
  assert.equal(book.roles()[N], undefined)
  assert.equal(book.roles()[M], undefined)
  assert.equal(book.roles()[A], undefined)
  book.revoke(F, A, { [LOG]: 2 })
  assert.equal(book.roles()[N], 'admin', 'the founder says which')
})

test('a key that was handed over cannot take that back by leaving', () => {
  const book = lab()
  book.rotate(A, N, { [LOG]: 1 })
  book.revoke(A, A, {}, { log: OTHER_LOG })
  assert.equal(book.roles()[N], 'admin')
})

test('nobody takes the place of a device that was admitted by its own right', () => {
  const book = lab()
  book.admit(F, C, 'reader', 1)
  book.rotate(A, C, {})
  assert.deepEqual(book.roles(), { founder: 'founder', c: 'reader', b: 'writer' })
})

test('a withdrawn invite admits nobody from then on', () => {
  const book = lab()
  book.write(A, 'invite', { key: 'k', role: 'writer', uses: 5, expires: 100 })
  book.admit(A, C, 'writer', 2, { invite: 'k' })
  book.write(A, 'revoke', { invite: 'k', cuts: [] })
  book.admit(A, D, 'writer', 2, { invite: 'k' })
  assert.deepEqual([book.roles()[C], book.roles()[D]], ['writer', undefined])
  assert.deepEqual(
    book.evaluate().invites.map(({ used, revoked }) => [used, revoked]),
    [[1, true]],
  )
})

test('an admin above the issuer withdraws an invite with a cut in the log of the issuer; equals and others do not', () => {
  const book = lab()
  book.admit(F, N, 'admin', 1)
  book.write(A, 'invite', { key: 'k', role: 'writer', uses: 5, expires: 100 })
  book.admit(A, C, 'writer', 2, { invite: 'k' })
  book.admit(A, D, 'writer', 2, { invite: 'k' })
  book.write(N, 'revoke', { invite: 'k', cuts: [] })
  book.write(B, 'revoke', { invite: 'k', cuts: [] })
  assert.deepEqual([book.roles()[C], book.roles()[D]], ['writer', 'writer'])
  book.write(F, 'revoke', { invite: 'k', cuts: [[LOG, 3, 'at-3' as never]] })
  assert.deepEqual([book.roles()[C], book.roles()[D]], ['writer', undefined])
})

test('the recovery key removes the founder and puts another device in its place', () => {
  const book = new Book({ recovery: RECOVERY_KEY })
  book.admit(F, A, 'admin', 1)
  book.admit(F, B, 'writer', 1)
  assert.equal(book.evaluate().rules.admits(R, 0), true)
  assert.equal(book.evaluate().rules.admits(R, 1), false)
  book.revoke(R, F, { [LOG]: 2 })
  book.admit(R, N, 'admin', 0)
  assert.deepEqual(book.roles(), { n: 'admin', a: 'admin' })
  book.revoke(N, A, {})
  assert.equal(book.roles()[A], undefined, 'it stands where the founder stood')
  book.revoke(F, N, {})
  book.revoke(A, R, {})
  assert.equal(book.roles()[N], 'admin')
})

test('without a recovery key in the genesis nobody removes the founder; its log keeps the genesis whatever is said', () => {
  const book = lab()
  book.revoke(R, F, {})
  book.admit(R, N, 'admin', 0)
  assert.equal(book.roles()[F], 'founder')
  const other = new Book({ recovery: RECOVERY_KEY })
  other.revoke(R, F, {})
  assert.equal(other.end(F, LOG), 1)
  assert.equal(other.end(F, OTHER_LOG), 0)
})

test('a personal space takes other principals by the recovery key alone', () => {
  const book = new Book({ recovery: RECOVERY_KEY, personal: true })
  book.admit(F, A, 'writer', 1)
  assert.deepEqual(book.roles(), { founder: 'founder' })
  book.admit(R, N, 'admin', 0, { principal: 'q' })
  book.admit(N, B, 'writer', 1, { principal: 'q' })
  assert.deepEqual(book.roles(), { founder: 'founder', n: 'admin', b: 'writer' })
})
