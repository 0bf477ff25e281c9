import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { type Random, seededRandom } from '../../../src/base/index.ts'
import {
  IDENTITY_FILE,
  type LoadIdentityInit,
  loadOrCreateIdentity,
  verifier,
  verifyCertificate,
} from '../../../src/identity/index.ts'

const posix = { skip: process.platform === 'win32' }
let folder: string
let path: string

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'plexus-identity-')), 'profile')
  path = join(folder, IDENTITY_FILE)
})

afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }))

function load(init: Partial<LoadIdentityInit> = {}) {
  return loadOrCreateIdentity({ folder, random: seededRandom(1), name: 'Ada', ...init })
}

/** Expects the refusal, and that it leaves the file as it was. */
function assertRefused(code: string, message: RegExp): void {
  const before = readFileSync(path)
  assert.throws(load, (error: Error & { code?: string; fix?: string }) => {
    assert.equal(error.code, code)
    assert.match(error.message, message)
    assert.ok(error.fix)
    return true
  })
  assert.deepEqual(readFileSync(path), before)
}

suite('the first use', () => {
  test('makes an identity whose certificate holds, and writes nothing else', () => {
    const identity = load({ kind: 'agent' })
    const certificate = verifyCertificate(identity.certificate, { verifier: verifier(), nowMs: 1 })
    assert.deepEqual(certificate.device, identity.device.publicKey)
    assert.deepEqual(certificate.principal, identity.principal)
    assert.deepEqual(certificate.sealingKey, identity.sealingKey)
    assert.deepEqual([certificate.name, certificate.kind], ['Ada', 'agent'])
    assert.deepEqual(readdirSync(folder), [IDENTITY_FILE])
  })

  test('gives file and folder to their owner only', posix, () => {
    load()
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(statSync(folder).mode & 0o777, 0o700)
  })

  test('depends on the random bytes only', () => {
    const first = load()
    rmSync(path)
    assert.equal(load().device.peer, first.device.peer)
    rmSync(path)
    assert.notEqual(load({ random: seededRandom(2) }).device.peer, first.device.peer)
  })

  test('refuses a name that no certificate may carry, and writes nothing', () => {
    assert.throws(() => load({ name: 'a\nb' }), { code: 'ERR_CERTIFICATE' })
    assert.equal(existsSync(path), false)
  })

  test('gives way to a process that was faster', () => {
    let other = ''
    const inner = seededRandom(2)
    const random: Random = {
      unit: () => inner.unit(),
      bytes: (length) => {
        if (length === 8) other = load({ random: seededRandom(3) }).device.peer
        return inner.bytes(length)
      },
    }
    const identity = load({ random })
    assert.ok(other !== '' && identity.device.peer === other)
    assert.deepEqual(readdirSync(folder), [IDENTITY_FILE])
  })
})

suite('later uses', () => {
  test('find the same identity, whatever name is given then', () => {
    const first = load()
    const second = load({ random: seededRandom(2), name: 'Somebody else', kind: 'relay' })
    assert.deepEqual(second.exportDeviceSeed(), first.exportDeviceSeed())
    assert.deepEqual(second.certificate, first.certificate)
    assert.equal(second.device.peer, first.device.peer)
  })

  test('find what version 1 wrote', () => {
    const golden = readFileSync(join(import.meta.dirname, '../../golden/identity/key-file-v1.json'))
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(path, golden, { mode: 0o600 })
    assert.equal(load().device.peer, '12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB')
  })

  test('the seed given out is a copy', () => {
    const identity = load()
    identity.exportDeviceSeed().fill(0)
    assert.notDeepEqual(identity.exportDeviceSeed(), new Uint8Array(32))
  })
})

suite('a key file is refused and left as it is', () => {
  for (const mode of [0o640, 0o604, 0o660, 0o644]) {
    test(`with mode ${mode.toString(8)}`, posix, () => {
      load()
      chmodSync(path, mode)
      assertRefused('ERR_KEY_PERMISSIONS', /may read/)
    })
  }

  test('in a folder that others may write to', posix, () => {
    load()
    chmodSync(folder, 0o770)
    assertRefused('ERR_KEY_PERMISSIONS', /may replace/)
  })

  const damages: readonly (readonly [string, (text: string) => string])[] = [
    ['empty', () => ''],
    ['zeros', (text) => '\0'.repeat(text.length)],
    ['cut off', (text) => text.slice(0, -20)],
    ['not an object', () => 'null'],
    ['another file', () => '{"name": "package"}'],
    ['without a seed', (text) => text.replace('deviceSeed', 'deviceSead')],
    ['with half a seed', (text) => text.replace(/("deviceSeed": "\w{32})\w+/, '$1')],
    ['with a seed that is no text', (text) => text.replace(/"principalSeed": "\w+"/, '"principalSeed": 7')],
    [
      'with exchanged seeds',
      (text) =>
        text.replace('deviceSeed', 'x').replace('principalSeed', 'deviceSeed').replace('"x"', '"principalSeed"'),
    ],
    ['with another peer id', (text) => text.replace('12D3KooW', '12D3KooX')],
    ['without a certificate', (text) => text.replace('certificate', 'certificat')],
    ['too large', (text) => text + ' '.repeat(20_000)],
  ]
  for (const [what, damage] of damages) {
    test(`when it is ${what}`, () => {
      load()
      writeFileSync(path, damage(readFileSync(path, 'utf8')))
      assertRefused('ERR_KEY_CORRUPT', /damaged|larger/)
    })
  }

  test('when any digit of its keys or its certificate is another', () => {
    load()
    const text = readFileSync(path, 'utf8')
    const start = text.indexOf('"certificate"') + 16
    for (let at = start; at < text.length; at += 7) {
      const digit = text[at] ?? ''
      if (!/[0-9a-f]/.test(digit) || !/[0-9a-f]{4}/.test(text.slice(at - 2, at + 3))) continue
      writeFileSync(path, text.slice(0, at) + (digit === '0' ? '1' : '0') + text.slice(at + 1))
      assertRefused('ERR_KEY_CORRUPT', /damaged/)
    }
  })

  test('when a later version wrote it', () => {
    load()
    writeFileSync(path, readFileSync(path, 'utf8').replace('"version": 1', '"version": 3'))
    assertRefused('ERR_KEY_UNREADABLE', /version 3/)
  })

  test('when it cannot be read', () => {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    assert.throws(load, { code: 'ERR_KEY_UNREADABLE' })
  })

  test('when it is a link that leads nowhere', () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    symlinkSync(join(folder, 'nothing'), path)
    assert.throws(load, { code: 'ERR_KEY_UNREADABLE' })
  })

  test('when it is a pipe, without waiting for somebody to write to it', posix, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    execFileSync('mkfifo', ['-m', '600', path])
    assert.throws(load, { code: 'ERR_KEY_UNREADABLE' })
  })

  test('when its folder cannot be made', () => {
    writeFileSync(join(folder, '..', 'file'), '')
    assert.throws(() => load({ folder: join(folder, '..', 'file', 'profile') }), { code: 'ERR_KEY_UNWRITABLE' })
  })
})
