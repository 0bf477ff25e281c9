import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { bytesOfHex, hexOf, seededRandom } from '../../../src/base/index.ts'
import {
  IDENTITY_FILE,
  type Identity,
  type KeyFile,
  openKeyFile,
  verifier,
  verifyCertificate,
} from '../../../src/identity/index.ts'

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plexus-keys-'))
  path = join(folder, IDENTITY_FILE)
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** As a process that starts would find it. */
function open(seed = 1): KeyFile {
  return openKeyFile({ folder, random: seededRandom(seed), name: 'laptop' })
}

/** What another principal certifies for a device. */
function certifiedBy(other: Identity, { device, sealingKey }: Identity): Uint8Array {
  assert.ok(other.certify !== undefined)
  return other.certify({ device: device.publicKey, sealingKey, name: 'laptop', kind: 'human' })
}

function otherPrincipal(): Identity {
  const elsewhere = mkdtempSync(join(tmpdir(), 'plexus-keys-'))
  const { identity } = openKeyFile({ folder: elsewhere, random: seededRandom(9), name: 'desk' })
  rmSync(elsewhere, { recursive: true })
  return identity
}

suite('a rotation', () => {
  test('is prepared on disk, and until it takes over the old key speaks', () => {
    const keys = open()
    const old = keys.identity.device.peer
    const next = keys.prepareRotation()
    assert.notEqual(next.device.peer, old)
    assert.deepEqual(next.principal, keys.identity.principal)
    const again = open(2)
    assert.equal(again.identity.device.peer, old)
    assert.equal(again.next?.device.peer, next.device.peer)
    assert.deepEqual(again.next?.sealingKey, next.sealingKey)
    again.takeOver()
    assert.equal(again.next, undefined)
    const after = open(3)
    assert.equal(after.identity.device.peer, next.device.peer)
    assert.equal(after.next, undefined)
    assert.ok(!readFileSync(path, 'utf8').includes(old), 'the old key is gone')
    assert.equal(verifyCertificate(after.identity.certificate, { verifier: verifier() }).name, 'laptop')
  })

  test('that was not wanted after all leaves the file as it was', () => {
    open()
    const before = readFileSync(path)
    const keys = open()
    keys.prepareRotation()
    assert.notDeepEqual(readFileSync(path), before)
    keys.abandon()
    assert.deepEqual(readFileSync(path), before)
    assert.deepEqual(readdirSync(folder), [IDENTITY_FILE])
  })
})

suite('a linking', () => {
  test('gives the device the principal of another at once, and it can certify nobody any more', () => {
    const keys = open()
    const { identity } = keys
    const { device } = identity
    const principal = otherPrincipal()
    keys.prepareLink(certifiedBy(principal, identity))
    assert.notDeepEqual(identity.principal, principal.principal)
    keys.takeOver()
    assert.deepEqual(identity.principal, principal.principal)
    assert.equal(identity.device, device)
    assert.equal(identity.certify, undefined)
    const { identity: again } = open(2)
    assert.deepEqual(again.principal, principal.principal)
    assert.deepEqual(again.certificate, identity.certificate)
    assert.equal(again.device.peer, device.peer)
    assert.throws(() => open(2).prepareRotation(), { code: 'ERR_KEY_LINKED' })
    if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  test('any other digit of a file with two sets of keys is found', () => {
    const keys = open()
    keys.prepareLink(certifiedBy(otherPrincipal(), keys.identity))
    const text = readFileSync(path, 'utf8')
    let tried = 0
    for (let at = text.indexOf('"peer"'); at < text.length; at += 5) {
      const digit = text[at] ?? ''
      if (!/[0-9a-f]{4}/.test(text.slice(at - 2, at + 3))) continue
      writeFileSync(path, text.slice(0, at) + (digit === '0' ? '1' : '0') + text.slice(at + 1))
      assert.throws(() => open(), { code: 'ERR_KEY_CORRUPT' }, `at ${at}`)
      tried++
    }
    assert.ok(tried > 100)
    writeFileSync(path, text.replace('"principalSeed"', '"principalSeat"'))
    assert.throws(() => open(), { code: 'ERR_KEY_CORRUPT' })
  })

  test('what version 2 wrote is found', () => {
    const golden = readFileSync(join(import.meta.dirname, '../../golden/identity/key-file-v2.json'), 'utf8')
    writeFileSync(path, golden, { mode: 0o600 })
    const { identity, next } = open()
    const fields = JSON.parse(golden)
    assert.equal(identity.certify, undefined)
    assert.equal(hexOf(identity.certificate), fields.certificate)
    assert.equal(next?.device.peer, fields.next.peer)
    assert.deepEqual(next?.exportDeviceSeed(), bytesOfHex(fields.next.deviceSeed))
  })
})
