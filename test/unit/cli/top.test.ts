import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { type PeerId, peerIdOfKey, type SpaceId } from '../../../src/base/index.ts'
import type { Sample } from '../../../src/cli/daemon/sample.ts'
import { cellsOf, fit, shorten } from '../../../src/cli/top/cells.ts'
import { drawFrame, type View } from '../../../src/cli/top/frame.ts'
import { byteCount, percent, perSecond } from '../../../src/cli/top/numbers.ts'
import { ratesBetween } from '../../../src/cli/top/rates.ts'
import type { NodeEvent, PeerReport } from '../../../src/node/index.ts'

process.env.TZ = 'UTC'

const GOLDEN = join(import.meta.dirname, '../../golden/cli')
const NOW = 1_795_521_600_000
const SELF = peerIdOfKey(new Uint8Array(32))
const plain = (_style: unknown, text: string): string => text

function peer(n: number, of: Partial<PeerReport>): PeerReport {
  return {
    peer: peerIdOfKey(new Uint8Array(32).fill(n)) as PeerId,
    name: `peer ${n}`,
    state: 'ready',
    rttMs: n,
    reason: undefined,
    since: NOW - 3_600_000,
    fix: undefined,
    via: undefined,
    kind: 'direct',
    encryption: 'tls',
    address: '/ip4/192.0.2.1/tcp/7424',
    spaces: [{ name: 'lab', role: 'writer' }],
    ...of,
  }
}

const PEERS: readonly PeerReport[] = [
  peer(1, { name: 'bohr' }),
  peer(2, {
    name: 'curie',
    kind: 'relayed',
    via: peerIdOfKey(new Uint8Array(32).fill(1)),
    rttMs: 48.4,
    since: NOW - 90_000,
  }),
  peer(3, {
    name: 'eve',
    state: 'offline',
    reason: 'nothing was heard for 15 s',
    since: NOW - 7_200_000,
    rttMs: undefined,
  }),
  peer(4, { name: 'mallory', state: 'refused', reason: 'there is no common space', rttMs: undefined }),
  peer(5, { name: '物理学者の山田', state: 'connecting', reason: 'it speaks: "\u001b[2J"', rttMs: undefined }),
]

const EVENTS: readonly NodeEvent[] = [
  { seq: 1, at: NOW - 9_000, level: 'info', component: 'node', kind: 'node:started', details: { version: '0.1.0' } },
  {
    seq: 2,
    at: NOW - 4_000,
    level: 'warn',
    component: 'bus',
    kind: 'overload',
    peer: SELF,
    name: 'b"ohr',
    details: { lane: 'bulk', dropped: 3 },
  },
]

function sample(of: Partial<Sample> = {}, bus: Readonly<Record<string, number>> = {}): Sample {
  const progress = { inStepWith: [SELF], parked: 0 }
  return {
    at: NOW,
    elapsedMs: 10_000,
    peers: PEERS,
    events: EVENTS,
    process: {
      residentBytes: 117_440_512,
      heapUsedBytes: 1,
      cpuSeconds: 2,
      eventLoopDelaySeconds: 0.0012,
      openFiles: 31,
      storeBytes: 12_582_912,
      walBytes: 4_096,
      diskFreeBytes: 44_023_414_784,
    },
    status: {
      state: 'degraded',
      reason: 'research: the index is being rebuilt',
      since: NOW - 60_000,
      name: 'ada',
      peer: SELF,
      version: '0.1.0',
      uptimeMs: 11_000_000,
      addresses: [],
      reach: { from: 'network', since: NOW, addresses: [], relays: [], relaying: false },
      peers: { ready: 2, known: 5 },
      records: 1_204,
      spaces: [
        {
          id: '1' as SpaceId,
          name: 'private',
          personal: true,
          role: 'founder',
          members: 1,
          progress: { ...progress, behind: 0 },
          bytes: 1_024,
          quotaBytes: 0,
        },
        {
          id: '2' as SpaceId,
          name: 'lab',
          personal: false,
          role: 'founder',
          members: 6,
          progress: { ...progress, behind: 0 },
          bytes: 1_024,
          quotaBytes: 0,
        },
        {
          id: '3' as SpaceId,
          name: 'reading',
          personal: false,
          role: 'reader',
          members: 3,
          progress: { ...progress, behind: 12, parked: 2 },
          bytes: 1_024,
          quotaBytes: 0,
        },
      ],
      components: [
        ...['network', 'door', 'keeper'].map((name) => ({ name, state: 'ok' as const, since: NOW, restarts: 0 })),
        {
          name: 'bus',
          state: 'ok',
          since: NOW,
          restarts: 0,
          figures: {
            normalIn: 100,
            normalOut: 40,
            bulkQueued: 7,
            queuedBytes: 70_000,
            bytesIn: 50_000,
            requestsInFlight: 2,
            droppedFull: 3,
            subscriptions: 2,
            subscriptionsQueued: 5,
            ...bus,
          },
        },
        {
          name: 'research',
          restarts: 0,
          state: 'degraded',
          since: NOW - 60_000,
          reason: 'the index is being rebuilt',
          fix: 'Nothing to do: it is ready again by itself.',
        },
      ],
    },
    ...of,
  }
}

const EARLIER = sample({ elapsedMs: 8_000 }, { normalIn: 75, bytesIn: 41_600, droppedFull: 1 })
const VIEW: View = {
  sample: sample(),
  rates: ratesBetween({ ...EARLIER, process: { ...EARLIER.process, cpuSeconds: 1.98 } }, sample()),
}

describe('rates', () => {
  test('are differences of counters over the time of the daemon', () => {
    const { rates } = VIEW
    assert.deepEqual(rates?.in, { frames: { critical: 0, normal: 12.5, bulk: 0 }, bytes: 4_200, requests: 0 })
    assert.deepEqual([rates?.seconds, rates?.dropped, rates?.expired], [2, 1, 0])
    assert.equal(rates?.cpu.toFixed(3), '0.010')
  })

  test('there are none for one sample, no time, or another run of the daemon', () => {
    assert.equal(ratesBetween(undefined, sample()), undefined)
    assert.equal(ratesBetween(sample(), sample()), undefined)
    const restarted = sample({ elapsedMs: 20_000 })
    const status = { ...restarted.status, uptimeMs: 5 }
    assert.equal(ratesBetween(sample(), { ...restarted, status }), undefined)
  })

  test('a counter that went back counts for nothing', () => {
    const rates = ratesBetween(sample(), sample({ elapsedMs: 11_000 }, { normalIn: 1 }))
    assert.equal(rates?.in.frames.normal, 0)
  })
})

describe('a frame', () => {
  for (const [columns, rows] of [
    [80, 24],
    [120, 40],
  ] as const) {
    test(`of ${columns} by ${rows}`, () => {
      const frame = `${drawFrame(VIEW, { columns, rows }, plain).join('\n')}\n`
      const path = join(GOLDEN, `top-${columns}x${rows}.txt`)
      assert.equal(frame, readFileSync(path, 'utf8'))
    })
  }

  test('fits whatever terminal there is, with colours too', () => {
    const many = Array.from({ length: 300 }, (_, n) => peer(n % 250, { name: `peer ${n} ${'x'.repeat(n % 90)}` }))
    const painted = (style: unknown, text: string): string => `\u001b[${String(style).length}m${text}\u001b[0m`
    for (const [columns, rows] of [
      [20, 6],
      [40, 10],
      [80, 24],
      [200, 60],
      [79, 1],
    ] as const) {
      for (const view of [VIEW, { ...VIEW, sample: sample({ peers: many }) }, { ...VIEW, problem: 'x'.repeat(500) }]) {
        const lines = drawFrame(view, { columns, rows }, painted)
        assert.equal(lines.length, rows)
        for (const line of lines) assert.ok(cellsOf(stripVTControlCharacters(line)) <= columns, `${columns}: ${line}`)
      }
    }
  })

  test('holds no control character of others, and says how many peers it leaves out', () => {
    const evil = '\u001b]0;owned\u0007\u202e\u001b[31mx\r\n'
    const peers = Array.from({ length: 40 }, (_, n) =>
      peer(n, { name: `${evil}${n}`, state: 'offline', reason: evil, address: evil }),
    )
    const status = { ...sample().status, name: evil, reason: evil }
    const events = [{ ...EVENTS[1]!, name: evil, kind: 'peer:x', details: { reason: evil } }]
    const lines = drawFrame({ ...VIEW, sample: sample({ peers, status, events }) }, { columns: 80, rows: 24 }, plain)
    assert.doesNotMatch(lines.join(''), /[\p{Cc}\p{Cf}]/u)
    assert.match(lines.join('\n'), /and \d+ more, 0 of them ready/)
  })

  test('without a limit of rows shows every peer, and no keys', () => {
    const peers = Array.from({ length: 60 }, (_, n) => peer(n, { name: `p${n}` }))
    const text = drawFrame(
      { ...VIEW, sample: sample({ peers }) },
      { columns: 100, rows: Number.POSITIVE_INFINITY },
      plain,
    ).join('\n')
    assert.ok(peers.every(({ name }) => text.includes(`${name} `)))
    assert.doesNotMatch(text, /q quit/)
  })

  test('says first what is wrong with it', () => {
    const lines = drawFrame({ ...VIEW, problem: 'these are figures of before: gone' }, { columns: 80, rows: 24 }, plain)
    assert.equal(lines[2], 'these are figures of before: gone')
  })
})

test('texts are cut and filled by the cells that they take', () => {
  assert.deepEqual(['abc', '物理', 'e\u0301', '🙂x'].map(cellsOf), [3, 4, 1, 3])
  assert.equal(fit('物理学', 5), '物理…')
  assert.equal(fit('ab', 4, 'right'), '  ab')
  assert.equal(shorten('abc', 0), '')
})

test('figures have a few digits and a unit', () => {
  assert.deepEqual([0, 512, 1_536, 117_440_512, 2 ** 50].map(byteCount), [
    '0 B',
    '512 B',
    '1.5 KiB',
    '112 MiB',
    '1024 TiB',
  ])
  assert.deepEqual([0, 0.5, 12.34, 999.7, 12_340].map(perSecond), ['0/s', '0.5/s', '12/s', '1.0 k/s', '12 k/s'])
  assert.deepEqual([0.008, 1.5].map(percent), ['0.8 %', '150 %'])
})
