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
  },
  role: { device: DEVICE, role: 'admin', replaces: ID, cuts: [[LOG, 7, ID]] },
  invite: { key: KEY, role: 'reader', uses: 1, expires: 1_700_000_000_000 },
  revoke: { device: DEVICE, cuts: [[LOG, 7, ID]] },
  accept: { device: DEVICE, log: LOG, from: 1, to: 2, id: ID },
  epoch: { n: 1, boxes: [[DEVICE, new Uint8Array(92)]] },
  erase: { device: DEVICE, log: LOG, seq: 1 },
  fork: {
    headerA: new Uint8Array(9),
    signatureA: new Uint8Array(64),
    headerB: new Uint8Array(9),
    signatureB: new Uint8Array(64),
  },
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
      if (name === 'recovery' || (type === 'admit' && name === 'invite')) continue
      const { [name]: _, ...rest } = body
      assert.equal(readControl(kind, rest), undefined, `${type} without ${name}`)
    }
  }
})

test('a revocation speaks of a device or of an invite, never of both', () => {
  const { revoke } = CONTROL_KIND
  assert.deepEqual(readControl(revoke, writeControl('revoke', { invite: KEY })), { type: 'revoke', invite: KEY })
  assert.equal(readControl(revoke, writeControl('revoke', { ...EXAMPLES.revoke, invite: KEY })), undefined)
  assert.equal(readControl(revoke, {}), undefined)
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
