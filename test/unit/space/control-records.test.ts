import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PeerId, peerIdOfKey, type RecordId } from '../../../src/base/index.ts'
import {
  CONTROL_KIND,
  type ControlFields,
  type ControlType,
  readControl,
  writeControl,
} from '../../../src/space/index.ts'

const KEY = '11'.repeat(32)
const KEY_ID = '33'.repeat(16)
const ID = '22'.repeat(32) as RecordId
const LOG = '00'.repeat(8)
const DEVICE: PeerId = peerIdOfKey(new Uint8Array(32).fill(3))

const EXAMPLES: { readonly [T in ControlType]: ControlFields[T] } = {
  genesis: {
    v: 1,
    name: 'lab',
    personal: false,
    principal: KEY,
    certificate: new Uint8Array(8),
    sealing: KEY,
    member: 'ada',
    history: 'all',
    encrypted: true,
    recovery: KEY,
  },
  admit: {
    device: DEVICE,
    principal: KEY,
    role: 'writer',
    level: 1,
    name: 'bob',
    certificate: new Uint8Array(8),
    sealing: KEY,
    invite: KEY,
    after: [ID],
    proof: new Uint8Array(64),
  },
  role: { device: DEVICE, role: 'admin', replaces: ID, cuts: [[LOG, 7, ID]] },
  invite: { key: KEY, role: 'reader', uses: 1, expires: 1_700_000_000_000 },
  revoke: { device: DEVICE, cuts: [[LOG, 7, ID]] },
  accept: { device: DEVICE, log: LOG, from: 1, to: 2, id: ID, first: ID },
  epoch: {
    n: 2,
    key: KEY_ID,
    boxes: [[KEY, new Uint8Array(80)]],
    previous: [[1, KEY_ID, new Uint8Array(48)]],
  },
  erase: { device: DEVICE, log: LOG, seq: 1 },
  fork: {
    headerA: new Uint8Array(9),
    signatureA: new Uint8Array(64),
    headerB: new Uint8Array(9),
    signatureB: new Uint8Array(64),
  },
  rotate: {
    device: DEVICE,
    principal: KEY,
    name: 'bob',
    certificate: new Uint8Array(8),
    sealing: KEY,
    cuts: [[LOG, 7, ID]],
    proof: new Uint8Array(64),
  },
}
const OPTIONAL: { readonly [T in ControlType]?: readonly string[] } = {
  genesis: ['recovery', 'encrypted'],
  admit: ['invite', 'after', 'proof'],
  accept: ['first'],
  epoch: ['previous'],
}
const TYPES = Object.keys(EXAMPLES) as ControlType[]

test('every control kind reads back what was written', () => {
  for (const type of TYPES) {
    const body = writeControl(type, EXAMPLES[type])
    assert.deepEqual(readControl(CONTROL_KIND[type], body), { type, ...EXAMPLES[type] })
  }
})

test('a missing, unknown or misshapen field makes a body count for nothing', () => {
  for (const type of TYPES) {
    const kind = CONTROL_KIND[type]
    const body = writeControl(type, EXAMPLES[type])
    assert.equal(readControl(kind, { ...body, surplus: 1 }), undefined, `${type} with a surplus field`)
    for (const name of Object.keys(body)) {
      assert.equal(readControl(kind, { ...body, [name]: -1 }), undefined, `${type} with a misshapen ${name}`)
      if (OPTIONAL[type]?.includes(name)) continue
      const { [name]: _, ...rest } = body
      assert.equal(readControl(kind, rest), undefined, `${type} without ${name}`)
    }
  }
})

test('a revocation speaks of a device or of an invite, never of both, and always says up to where', () => {
  const { revoke } = CONTROL_KIND
  const ofInvite = { invite: KEY, cuts: [[LOG, 7, ID]] } as const
  assert.deepEqual(readControl(revoke, writeControl('revoke', ofInvite)), { type: 'revoke', ...ofInvite })
  assert.equal(readControl(revoke, writeControl('revoke', { ...EXAMPLES.revoke, ...ofInvite })), undefined)
  assert.equal(readControl(revoke, writeControl('revoke', { invite: KEY })), undefined)
  assert.equal(readControl(revoke, writeControl('revoke', { cuts: [] })), undefined)
})

test('a stretch that is accepted does not end before it begins, and a single record is named once', () => {
  const { accept } = CONTROL_KIND
  const other = '33'.repeat(32) as RecordId
  const read = (fields: Partial<ControlFields['accept']>) =>
    readControl(accept, writeControl('accept', { device: DEVICE, log: LOG, from: 4, to: 4, id: ID, ...fields }))
  assert.ok(read({}))
  assert.ok(read({ first: ID }))
  assert.equal(read({ first: other }), undefined)
  assert.ok(read({ to: 5, first: other }))
  assert.equal(read({ to: 3 }), undefined)
})

test('nobody is made founder by an admission, a role or an invite', () => {
  for (const type of ['admit', 'role', 'invite'] as const) {
    const body = { ...writeControl(type, EXAMPLES[type]), role: 'founder' }
    assert.equal(readControl(CONTROL_KIND[type], body), undefined)
  }
})

test('unknown kinds and erased bodies are no control records', () => {
  assert.equal(readControl(40, writeControl('genesis', EXAMPLES.genesis)), undefined)
  assert.equal(readControl(CONTROL_KIND.genesis, undefined), undefined)
})
