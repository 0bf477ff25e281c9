import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { peerIdOfKey } from '../../../src/base/index.ts'
import { Redactor, type RedactorInit } from '../../../src/cli/bundle/redactor.ts'
import { secretForms, secretsIn } from '../../../src/cli/bundle/secret-forms.ts'
import { tarGz } from '../../../src/cli/bundle/tar.ts'

const SEED = '00ff'.repeat(16)
const PEER = peerIdOfKey(new Uint8Array(32).fill(7))

const redactor = (of: Partial<RedactorInit> = {}): Redactor =>
  new Redactor({
    secrets: [SEED],
    names: ['ada', 'Zoë', 'reading group'],
    shortenAddresses: true,
    home: '/home/someone',
    ...of,
  })

describe('the redactor', () => {
  test('takes out our own keys in every encoding', () => {
    const forms = secretForms(SEED)
    assert.ok(forms.length >= 9, `${forms.length}`)
    for (const form of forms) assert.equal(redactor().text(`x ${form} y`).includes(form), false, form)
    assert.deepEqual(secretForms('short'), [])
    assert.ok(secretForms(`${'0'.repeat(62)}01`).includes(`${'1'.repeat(31)}2`), 'base58 keeps leading zeros')
  })

  test('takes out what may be a key or a ticket of somebody else', () => {
    const texts = [
      `plexus1${'abcdefgh234567'.repeat(8)}`,
      `PLEXUS1${'ABCDEFGH234567'.repeat(8)}`,
      `Bearer ${'q'.repeat(20)}`,
      'http://127.0.0.1:7425/#t=abcdef',
      'f'.repeat(64),
      Buffer.from('a'.repeat(40)).toString('base64'),
    ]
    for (const text of texts) {
      const secret = text.split(/[ =]/).at(-1) || text
      assert.ok(!redactor().text(text).includes(secret.slice(0, 60)) || secret.length < 7, redactor().text(text))
    }
    assert.equal(redactor().text('http://x/#t=abcdef'), 'http://x/#t=[token]')
  })

  test('gives one name the same number everywhere, and leaves words alone that only contain it', () => {
    const one = redactor()
    assert.equal(one.text('ada met Zoë of "reading group"; adamant'), '<name 1> met <name 2> of "<name 3>"; adamant')
    assert.deepEqual(one.value({ ada: ['ada', { deep: 'Zoë!' }], n: 3 }), {
      '<name 1>': ['<name 1>', { deep: '<name 2>!' }],
      n: 3,
    })
    assert.equal(redactor({ names: [] }).text('ada'), 'ada')
  })

  test('leaves out fields that are secret by their name', () => {
    const value = { token: 'x', nested: [{ text: 'thought', seed: 'x', kind: 'k' }], body: 'x', ticket: 'x' }
    assert.deepEqual(redactor().value(value), { nested: [{ kind: 'k' }] })
  })

  test('shortens addresses but for those of this machine, unless asked not to', () => {
    const text =
      '/ip4/203.0.113.7/tcp/1 /ip4/127.0.0.1/tcp/2 /ip6/2001:db8::7/tcp/3 /ip6/::1/tcp/4 /dns4/host.example/tcp/5 0.0.0.0 at 12:03:04'
    assert.equal(
      redactor().text(text),
      '/ip4/203.0.x.x/tcp/1 /ip4/127.0.0.1/tcp/2 /ip6/2001:db8:x/tcp/3 /ip6/::1/tcp/4 /dns4/[host]/tcp/5 0.0.0.0 at 12:03:04',
    )
    assert.equal(redactor({ shortenAddresses: false }).text(text), text)
  })

  test('cuts ids to what tells them apart, keeps traces, and shows the home folder as ~', () => {
    const trace = '0af7651916cd43dd8448eb211c80319c'
    assert.equal(redactor().text(`/home/someone/x ${PEER} ${trace}`), `~/x ${PEER.slice(-8)} ${trace}`)
    const one = redactor()
    one.text('nothing here')
    assert.equal(one.count, 0)
  })
})

test('an archive holds each file after a header with its name, size and checksum', () => {
  const files = [
    { path: 'a.txt', content: Buffer.from('hello') },
    { path: 'crashes/b.json', content: Buffer.alloc(512, 'x') },
  ]
  const tar = gunzipSync(tarGz(files, 1_000_000))
  assert.equal(tar.byteLength, 512 * (1 + 1 + 1 + 1 + 2))
  assert.equal(tar.subarray(0, 5).toString(), 'a.txt')
  assert.equal(tar.subarray(124, 135).toString(), '00000000005')
  assert.equal(tar.subarray(257, 262).toString(), 'ustar')
  const sum = Number.parseInt(tar.subarray(148, 154).toString(), 8)
  const blank = Buffer.from(tar.subarray(0, 512)).fill(' ', 148, 156)
  assert.equal(
    blank.reduce((total, byte) => total + byte, 0),
    sum,
  )
  assert.equal(tar.subarray(512, 517).toString(), 'hello')
  assert.throws(() => tarGz([{ path: 'x'.repeat(101), content: Buffer.alloc(0) }], 0), RangeError)
})

test('the secrets of a key file are those of the keys that are to take over too', () => {
  const file = { format: 'f', peer: 'p', deviceSeed: 'a', next: { peer: 'q', deviceSeed: 'b', sealingSeed: 'c' } }
  assert.deepEqual(secretsIn(file), ['a', 'b', 'c'])
})
