import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hexOf, peerIdOfKey, utf8 } from '../../../src/base/index.ts'
import {
  announcedWindows,
  contentKey,
  DISCOVERY_OVERLAP_MS,
  DISCOVERY_WINDOW_MS,
  discoverySecret,
  discoveryWindow,
  memberKey,
} from '../../../src/space/index.ts'

const secret = discoverySecret(utf8('0123456789abcdef and the rest of a genesis'))
const [a, b] = [1, 2].map((n) => peerIdOfKey(new Uint8Array(32).fill(n)))
const content = 'c0'.repeat(32)

test('keys are what the specification says', () => {
  assert.equal(hexOf(secret), '7965e73b5828d6ea7dfd5baeabb32d509cfcc0753a7d9ece5ed06c77f3e1045f')
  assert.equal(hexOf(memberKey(secret, a!, 20_000)), '88f47a28ebb135df0bc46ee949ce461e0a72b6f727a1b982c349f3fcab37425f')
  assert.equal(
    hexOf(contentKey(secret, content, 20_000)),
    '67b19038ae27442d685d9e75ae53d1e110d51338ba2c0bb8adf0878cccfef8fa',
  )
})

test('no two of them are alike: of members, days, spaces, contents', () => {
  const other = discoverySecret(utf8('another genesis'))
  const keys = [secret, other].flatMap((one) =>
    [20_000, 20_001].flatMap((window) => [
      memberKey(one, a!, window),
      memberKey(one, b!, window),
      contentKey(one, content, window),
    ]),
  )
  assert.equal(new Set(keys.map(hexOf)).size, keys.length)
})

test('clocks may differ by the overlap: whoever looks, looks where was announced', () => {
  for (let hour = 0; hour < 48; hour++) {
    const now = 20_000 * DISCOVERY_WINDOW_MS + hour * 3_600_000
    const announced = announcedWindows(now)
    assert.ok(announced.length <= 2)
    for (const off of [-DISCOVERY_OVERLAP_MS + 1, 0, DISCOVERY_OVERLAP_MS - 1]) {
      assert.ok(announced.includes(discoveryWindow(now + off)), `${hour} h, ${off} ms off`)
    }
  }
})
