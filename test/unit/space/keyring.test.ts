import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { RecordId } from '../../../src/base/index.ts'
import {
  chosenEpoch,
  type Epoch,
  type EpochMention,
  evaluateKeyring,
  type KeyReader,
} from '../../../src/space/keys/keyring.ts'

/** Devices by name, with their levels; all are admins but those in lower case. */
const LEVELS: Readonly<Record<string, number>> = { A: 0, B: 1, C: 1, D: 2, m: 3, n: 4 }

interface Mention {
  readonly by: string
  readonly n: number
  readonly key: string
  readonly to: string
  readonly previous?: readonly string[]
}

let records = 0

/** The principal of `m` and `n` is one person; all others are people of their own. */
function principalOf(device: string): string | undefined {
  return device === 'm' || device === 'n' ? 'person' : device in LEVELS ? device : undefined
}

function mention({ by: device, n, key, to, previous = [] }: Mention): EpochMention {
  const record = String(records++).padStart(6, '0') as RecordId
  const [level, isAdmin] = [LEVELS[device] ?? 0, device === device.toUpperCase()]
  return { record, device, level, isAdmin, n, key, boxes: [...to], previous, madeAt: 0 }
}

function keyring(readers: string, ...mentions: readonly Mention[]): readonly Epoch[] {
  const entries = [...readers].map((device): [string, KeyReader] => [
    device,
    { device, principal: principalOf(device) ?? '', sealing: '' },
  ])
  return evaluateKeyring({ mentions: mentions.map(mention), readers: new Map(entries), principalOf })
}

function keys(epochs: readonly Epoch[]): string {
  return epochs.map(({ key, leaks }) => (leaks ? `${key}!` : key)).join(' ')
}

function missing(epochs: readonly Epoch[]): string {
  return (epochs[0]?.missing ?? []).map(({ device }) => device).join('')
}

suite('which epoch is written under', () => {
  test('is that of the highest number', () => {
    const epochs = keyring('ABm', { by: 'A', n: 1, key: 'one', to: 'ABm' }, { by: 'B', n: 2, key: 'two', to: 'ABm' })
    assert.equal(keys(epochs), 'two one')
  })

  test('of those made at once that of the most senior maker, then that of the lowest record', () => {
    const epochs = keyring(
      'ABCD',
      { by: 'D', n: 2, key: 'd', to: 'ABCD' },
      { by: 'B', n: 2, key: 'b', to: 'ABCD' },
      { by: 'C', n: 2, key: 'c', to: 'ABCD' },
    )
    assert.equal(keys(epochs), 'b c d')
  })

  test('of those made at once rather one that only readers know', () => {
    // B removed C while A, who did not know that, removed D.
    const epochs = keyring('ABm', { by: 'A', n: 2, key: 'a', to: 'ABCm' }, { by: 'B', n: 2, key: 'b', to: 'ABm' })
    assert.equal(keys(epochs), 'b a!')
  })

  test('is not made by who is no admin', () => {
    const epochs = keyring('Am', { by: 'A', n: 1, key: 'one', to: 'Am' }, { by: 'm', n: 2, key: 'mine', to: 'Am' })
    assert.equal(keys(epochs), 'one')
  })
})

suite('who knows a key', () => {
  test('is not for a relay to say, which has none: not of itself, and not of another device of its own', () => {
    const epochs = keyring(
      'ABn',
      { by: 'A', n: 1, key: 'one', to: 'AB' },
      { by: 'm', n: 1, key: 'one', to: 'mn', previous: ['other'] },
    )
    assert.deepEqual([keys(epochs), missing(epochs)], ['one', 'n'])
  })

  test('is its maker, too', () => {
    assert.equal(keys(keyring('Bm', { by: 'A', n: 1, key: 'one', to: 'Bm' })), 'one!')
  })

  test('is whoever any admin gave it to', () => {
    const made = { by: 'A', n: 1, key: 'one', to: 'ABm' }
    assert.equal(keys(keyring('ABm', made, { by: 'B', n: 1, key: 'one', to: 'C' })), 'one!')
    assert.equal(keys(keyring('ABCm', made, { by: 'B', n: 1, key: 'one', to: 'C' })), 'one')
  })

  test('is whoever knows a key of the same number that it is sealed under', () => {
    const epochs = keyring(
      'AB',
      { by: 'A', n: 2, key: 'a', to: 'AB' },
      { by: 'B', n: 2, key: 'b', to: 'ABC', previous: ['a'] },
    )
    assert.equal(keys(epochs), 'a! b!')
  })

  test('is not who a member that is no admin claims', () => {
    const made = { by: 'A', n: 1, key: 'one', to: 'Am' }
    const epochs = keyring('ABm', made, { by: 'm', n: 1, key: 'one', to: 'BD' })
    assert.equal(keys(epochs), 'one')
    assert.equal(missing(epochs), 'B')
  })

  test('may be another device of a member', () => {
    const epochs = keyring('Amn', { by: 'A', n: 1, key: 'one', to: 'Am' }, { by: 'm', n: 1, key: 'one', to: 'n' })
    assert.equal(missing(epochs), '')
    assert.equal(
      keys(keyring('Am', { by: 'A', n: 1, key: 'one', to: 'Am' }, { by: 'm', n: 1, key: 'one', to: 'n' })),
      'one!',
    )
  })
})

suite('with the keys that are held', () => {
  const old = { by: 'A', n: 1, key: 'old', to: 'ABm' }
  const choose = (epochs: readonly Epoch[], held: string): string | undefined =>
    chosenEpoch(epochs, (key) => held.split(' ').includes(key))?.key

  test('the best is taken, or another of its number', () => {
    const epochs = keyring('ABm', old, { by: 'A', n: 2, key: 'a', to: 'ABm' }, { by: 'B', n: 2, key: 'b', to: 'ABm' })
    assert.equal(choose(epochs, 'a b old'), 'a')
    assert.equal(choose(epochs, 'b old'), 'b')
    assert.equal(choose(epochs, ''), undefined)
    assert.equal(choose([], 'a'), undefined)
  })

  test('an older one serves as long as nobody lost the right to read', () => {
    const renewed = { by: 'A', n: 2, key: 'new', to: 'AB' }
    assert.equal(choose(keyring('ABm', old, renewed), 'old'), 'old')
    assert.equal(choose(keyring('Am', old, renewed), 'old'), undefined, 'B was removed')
    assert.equal(choose(keyring('Am', old, { ...renewed, to: 'Am' }), 'old'), undefined, 'and there is a new one')
  })

  test('an older one does not serve when a newer one leads to it and somebody knows that who should not', () => {
    const epochs = keyring('ABm', old, { by: 'A', n: 2, key: 'new', to: 'ABC', previous: ['old'] })
    assert.equal(choose(epochs, 'old'), undefined)
    assert.equal(choose(epochs, 'old new'), 'new', 'until there is a better one')
  })

  test('one that leaks is not taken where there is another that does not', () => {
    const epochs = keyring('ABm', { by: 'A', n: 2, key: 'a', to: 'ABCm' }, { by: 'B', n: 2, key: 'b', to: 'ABm' })
    assert.equal(choose(epochs, 'a'), undefined)
  })
})
