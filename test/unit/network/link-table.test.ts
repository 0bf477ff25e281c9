import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type PeerId, peerIdOfKey } from '../../../src/base/index.ts'
import type { Link } from '../../../src/network/index.ts'
import { LinkTable } from '../../../src/network/link-table.ts'

const [low, high] = [peerIdOfKey(new Uint8Array(32).fill(1)), peerIdOfKey(new Uint8Array(32).fill(2))].sort() as [
  PeerId,
  PeerId,
]

function connection(
  peer: PeerId,
  direction: 'inbound' | 'outbound',
  kind: Link['kind'] = 'direct',
): { readonly link: Link } {
  return { link: { peer, kind, direction, address: '/ip4/1.1.1.1/tcp/1', encryption: 'tls', since: 0 } }
}

describe('the link table', () => {
  test('tells the first and the last connection of a peer', () => {
    const table = new LinkTable(low)
    const [one, two] = [connection(high, 'outbound'), connection(high, 'inbound')]
    assert.equal(table.add(one), true)
    assert.equal(table.add(two), false)
    assert.equal(table.size, 2)
    assert.equal(table.remove(one), false)
    assert.equal(table.remove(one), false)
    assert.equal(table.remove(two), true)
    assert.equal(table.remove(two), false)
    assert.equal(table.size, 0)
    assert.deepEqual(table.peers(), [])
  })

  test('of two crossing connections both ends prefer the same', () => {
    const [atLow, atHigh] = [new LinkTable(low), new LinkTable(high)]
    const byLow = [connection(high, 'outbound'), connection(low, 'inbound')] as const
    const byHigh = [connection(high, 'inbound'), connection(low, 'outbound')] as const
    atLow.add(byLow[0])
    atLow.add(byHigh[0])
    atHigh.add(byHigh[1])
    atHigh.add(byLow[1])
    assert.equal(atLow.preferred(high), byLow[0])
    assert.equal(atHigh.preferred(low), byLow[1])
    assert.deepEqual(atLow.surplus(high), [byHigh[0]])
    assert.deepEqual(atHigh.surplus(low), [byHigh[1]])
  })

  test('a single connection is preferred whoever opened it', () => {
    const table = new LinkTable(low)
    const only = connection(high, 'inbound')
    table.add(only)
    assert.equal(table.preferred(high), only)
    assert.deepEqual(table.surplus(high), [])
    assert.equal(table.preferred(low), undefined)
  })

  test('a direct connection goes before a relayed one', () => {
    const table = new LinkTable(low)
    const [relayed, direct] = [connection(high, 'outbound', 'relayed'), connection(high, 'inbound')]
    table.add(relayed)
    assert.equal(table.preferred(high), relayed)
    table.add(direct)
    assert.equal(table.preferred(high), direct)
    table.remove(direct)
    assert.equal(table.preferred(high), relayed)
  })
})
