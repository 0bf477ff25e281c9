import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { bytesOfHex, encodeCbor, hexOf, type PeerId, peerIdOfKey, type SpaceId } from '../../../src/base/index.ts'
import { signer, verifier } from '../../../src/identity/index.ts'
import {
  type ControlType,
  deviceProof,
  formatTicket,
  isDeviceProof,
  parseTicket,
  readControl,
  writeControl,
} from '../../../src/space/index.ts'
import { inviteKey, isProven, signRequest } from '../../../src/space/invite-key.ts'
import { CONTROL_KIND } from '../../../src/space/types.ts'

interface Vectors {
  readonly ticket: {
    readonly text: string
    readonly space: SpaceId
    readonly issuer: PeerId
    readonly seed: string
    readonly addresses: readonly string[]
    readonly expires: number
  }
  readonly join: {
    readonly inviteId: string
    readonly device: PeerId
    readonly certificate: string
    readonly name: string
    readonly proof: string
  }
  readonly control: Readonly<Record<ControlType, string>>
  /** The same with fields that may be absent, or absent. */
  readonly variants: Readonly<Record<keyof typeof VARIANTS, string>>
  readonly proof: { readonly seed: string; readonly by: PeerId; readonly signature: string }
}

const vectors: Vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'))

test('a ticket is written and read to the letter', () => {
  const { text, seed, ...fields } = vectors.ticket
  const ticket = { ...fields, seed: bytesOfHex(seed) }
  assert.equal(formatTicket(ticket), text)
  assert.deepEqual(parseTicket(text, 0), ticket)
})

test('the key of an invite and the proof of a join request are derived to the byte', () => {
  const { inviteId, device, certificate, name, proof } = vectors.join
  const seed = bytesOfHex(vectors.ticket.seed)
  assert.equal(hexOf(inviteKey(seed).publicKey), inviteId)
  const request = signRequest({ ...vectors.ticket, seed }, device, bytesOfHex(certificate), name)
  assert.deepEqual([request.inviteId, hexOf(request.proof)], [inviteId, proof])
  assert.ok(isProven(request, verifier()))
})

test('the bodies of control records are encoded to the byte', () => {
  for (const [type, hex] of Object.entries(vectors.control)) {
    assert.equal(hexOf(encodeCbor(EXAMPLES[type as ControlType]())), hex, type)
    assert.equal(readControl(CONTROL_KIND[type as ControlType], EXAMPLES[type as ControlType]())?.type, type)
  }
})

test('the bodies of control records with optional fields are encoded to the byte', () => {
  assert.deepEqual(Object.keys(vectors.variants), Object.keys(VARIANTS))
  for (const [name, hex] of Object.entries(vectors.variants)) {
    const [kind, body] = VARIANTS[name as keyof typeof VARIANTS]()
    assert.equal(hexOf(encodeCbor(body)), hex, name)
    assert.ok(readControl(kind, body), name)
  }
})

test('the proof of a new device is made to the byte', () => {
  const { seed, by, signature } = vectors.proof
  const device = signer(bytesOfHex(seed))
  assert.equal(hexOf(deviceProof(device, by)), signature)
  assert.ok(isDeviceProof(device.peer, by, bytesOfHex(signature), verifier()))
})

const KEY = '11'.repeat(32)
const KEY_ID = '44'.repeat(16)
const ID = '22'.repeat(32) as never
const LOG = '00aabbccddeeff01'
const DEVICE: PeerId = peerIdOfKey(new Uint8Array(32).fill(3))
const CERTIFICATE = new Uint8Array(8).fill(5)

const EXAMPLES: { readonly [T in ControlType]: () => ReturnType<typeof writeControl> } = {
  genesis: () =>
    writeControl('genesis', {
      v: 1,
      name: 'lab',
      personal: false,
      principal: KEY,
      certificate: CERTIFICATE,
      sealing: KEY,
      member: 'ada',
      history: 'all',
    }),
  admit: () =>
    writeControl('admit', {
      device: DEVICE,
      principal: KEY,
      role: 'writer',
      level: 1,
      name: 'bob',
      certificate: CERTIFICATE,
      sealing: KEY,
      invite: KEY,
    }),
  role: () => writeControl('role', { device: DEVICE, role: 'admin', replaces: ID, cuts: [[LOG, 7, ID]] }),
  invite: () => writeControl('invite', { key: KEY, role: 'reader', uses: 1, expires: 1_700_000_000_000 }),
  revoke: () => writeControl('revoke', { device: DEVICE, cuts: [[LOG, 7, ID]] }),
  accept: () => writeControl('accept', { device: DEVICE, log: LOG, from: 1, to: 2, id: ID }),
  epoch: () =>
    writeControl('epoch', {
      n: 2,
      key: KEY_ID,
      boxes: [[KEY, new Uint8Array(80).fill(6)]],
      previous: [[1, KEY_ID, new Uint8Array(48).fill(7)]],
    }),
  erase: () => writeControl('erase', { device: DEVICE, log: LOG, seq: 1 }),
  fork: () =>
    writeControl('fork', {
      headerA: new Uint8Array(9).fill(1),
      signatureA: new Uint8Array(64).fill(2),
      headerB: new Uint8Array(9).fill(3),
      signatureB: new Uint8Array(64).fill(4),
    }),
  rotate: () =>
    writeControl('rotate', {
      device: DEVICE,
      principal: KEY,
      name: 'bob',
      certificate: CERTIFICATE,
      sealing: KEY,
      cuts: [[LOG, 7, ID]],
      proof: new Uint8Array(64).fill(2),
    }),
}

type Body = ReturnType<typeof writeControl>

const VARIANTS = {
  genesisWithRecovery: (): readonly [number, Body] => [
    CONTROL_KIND.genesis,
    writeControl('genesis', {
      v: 1,
      name: 'lab',
      personal: false,
      principal: KEY,
      certificate: CERTIFICATE,
      sealing: KEY,
      member: 'ada',
      history: 'since-admission',
      recovery: KEY,
      encrypted: true,
    }),
  ],
  admitAgain: (): readonly [number, Body] => [
    CONTROL_KIND.admit,
    writeControl('admit', {
      device: DEVICE,
      principal: KEY,
      role: 'admin',
      level: 0,
      name: 'bob',
      certificate: CERTIFICATE,
      sealing: KEY,
      after: [ID],
      proof: new Uint8Array(64).fill(2),
    }),
  ],
  revokeInvite: (): readonly [number, Body] => [
    CONTROL_KIND.revoke,
    writeControl('revoke', { invite: KEY, cuts: [[LOG, 7, ID]] }),
  ],
  acceptBranch: (): readonly [number, Body] => [
    CONTROL_KIND.accept,
    writeControl('accept', { device: DEVICE, log: LOG, from: 4, to: 5, id: ID, first: KEY as never }),
  ],
}
