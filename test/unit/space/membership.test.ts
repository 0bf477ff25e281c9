import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HLC_STEPS_PER_MS, type PeerId, type RecordId } from '../../../src/base/index.ts'
import {
  type ControlFields,
  type ControlRecord,
  type ControlType,
  evaluateMembership,
  type GrantableRole,
  type Membership,
} from '../../../src/space/index.ts'

const LOG = '00000000000000aa'
const F = 'founder' as PeerId
const [A, B, C] = ['a', 'b', 'c'] as PeerId[] as [PeerId, PeerId, PeerId]

/** Writes control records as devices would, each in one log. */
class Book {
  readonly genesis: ControlRecord<'genesis'>
  readonly records: ControlRecord[] = []
  readonly #seq = new Map<PeerId, number>()

  constructor() {
    this.genesis = this.write(F, 'genesis', {
      v: 1,
      name: 'lab',
      personal: false,
      principal: 'p',
      certificate: new Uint8Array(),
      sealing: 's',
      member: 'f',
      history: 'all',
    }) as ControlRecord<'genesis'>
    this.records.length = 0
  }

  write<T extends ControlType>(author: PeerId, type: T, fields: ControlFields[T], ms = 0): ControlRecord {
    const seq = (this.#seq.get(author) ?? 0) + 1
    this.#seq.set(author, seq)
    const id = `${author}-${seq}` as RecordId
    const record = { id, author, log: LOG, seq, hlc: ms * HLC_STEPS_PER_MS, body: { type, ...fields } } as ControlRecord
    this.records.push(record)
    return record
  }

  admit(
    author: PeerId,
    device: PeerId,
    role: GrantableRole,
    level: number,
    invite?: string,
    ms?: number,
  ): ControlRecord {
    const fields = { device, principal: 'p', role, level, name: 'n', certificate: new Uint8Array(), sealing: 's' }
    return this.write(author, 'admit', invite === undefined ? fields : { ...fields, invite }, ms)
  }

  role(author: PeerId, device: PeerId, role: GrantableRole, replaces: ControlRecord, cut = 0): ControlRecord {
    const cuts = [[LOG, cut, replaces.id]] as const
    return this.write(author, 'role', { device, role, replaces: replaces.id, cuts: cut === 0 ? [] : cuts })
  }

  evaluate(): Membership {
    return evaluateMembership(this.genesis, this.records)
  }

  roles(): Record<string, string> {
    return Object.fromEntries([...this.evaluate().members].map(([peer, { role }]) => [peer, role]))
  }
}

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
  book.admit(A, B, 'writer', 2, 'k')
  assert.equal(book.roles()[B], undefined, 'another device cannot use it')
  book.admit(F, B, 'reader', 1, 'k')
  assert.equal(book.roles()[B], undefined, 'it is for a writer')
  book.admit(F, B, 'writer', 1, 'k', 101)
  assert.equal(book.roles()[B], undefined, 'it has expired')
  book.admit(F, B, 'writer', 1, 'k', 100)
  book.admit(F, C, 'writer', 1, 'k', 100)
  assert.deepEqual(book.roles(), { founder: 'founder', a: 'admin', b: 'writer' })
  assert.deepEqual(
    book.evaluate().invites.map(({ id, used }) => [id, used]),
    [['k', 1]],
  )
})

test('an admission before its invite counts for nothing', () => {
  const book = new Book()
  book.admit(F, A, 'writer', 1, 'k')
  book.write(F, 'invite', { key: 'k', role: 'writer', uses: 1, expires: 100 })
  assert.deepEqual(book.roles(), { founder: 'founder' })
})
