/** The bytes of docs/specs/presence.md: presence.json holds each frame of these inputs in hexadecimal. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { bytesOfHex, hexOf, utf8 } from '../../../src/base/index.ts'
import { FRAME, FRAME_HEADER_BYTES, frame } from '../../../src/bus/frames.ts'
import {
  linksFrame,
  parseLinks,
  parseProbe,
  probedFrame,
  probeFrame,
} from '../../../src/bus/presence/presence-frames.ts'
import { PARCEL_TAG } from '../../../src/bus/routing/courier.ts'
import {
  parcelBytes,
  parseRelay,
  parseRelayRefused,
  relayFrame,
  relayRefusedFrame,
  sealInfo,
} from '../../../src/bus/routing/parcel.ts'
import { RELAY_TAG } from '../../../src/bus/seals.ts'
import { seal, signer, unseal, verifier } from '../../../src/identity/index.ts'

const golden = JSON.parse(readFileSync(new URL('presence.json', import.meta.url), 'utf8')) as Record<string, string>
const [ada, bohr, curie] = [1, 2, 3].map((first) => signer(new Uint8Array(32).fill(first))) as [Device, Device, Device]
type Device = ReturnType<typeof signer>

const ID = `${'ab'.repeat(8)}0000000000000001`
const inner = frame(FRAME.cancel, bytesOfHex('cd'.repeat(16))).subarray(4)
const secret = ada.agree(bohr.publicKey) as Uint8Array
const info = sealInfo(PARCEL_TAG, ada.publicKey, bohr.publicKey)
const parcel = parcelBytes({
  to: bohr.publicKey,
  author: ada.publicKey,
  id: ID,
  priority: 'high',
  hlc: 1_700_000_000_000 * 1024,
  ttlMs: 30_000,
  sealed: seal(secret, info, new Uint8Array(16).fill(5), inner),
})

const frames: Readonly<Record<string, Uint8Array>> = {
  probe: probeFrame({ token: 7, about: bohr.peer }),
  probed: probedFrame(7),
  links: linksFrame({ added: [bohr.peer], removed: [curie.peer] }),
  relay: relayFrame(ada.sign(RELAY_TAG, parcel), parcel),
  relayRefused: relayRefusedFrame(ID, 'no-link'),
}

test('frames are as they were', () => {
  assert.deepEqual(Object.fromEntries(Object.entries(frames).map(([name, bytes]) => [name, hexOf(bytes)])), golden)
})

test('and are read as they were meant', () => {
  const payload = (name: string): Buffer => Buffer.from(golden[name] ?? '', 'hex').subarray(FRAME_HEADER_BYTES)
  assert.deepEqual(parseProbe(payload('probe')), { token: 7, about: bohr.peer })
  assert.deepEqual(parseLinks(payload('links')), { added: [bohr.peer], removed: [curie.peer] })
  assert.deepEqual(parseRelayRefused(payload('relayRefused')), { id: ID, code: 'no-link' })
  const read = parseRelay(payload('relay'))
  assert.ok(read !== undefined && verifier().verify(read.author, RELAY_TAG, read.signed, read.signature))
  const opened = unseal(bohr.agree(read.author) as Uint8Array, info, read.sealed)
  assert.equal(hexOf(opened ?? utf8('not opened')), hexOf(inner))
})
