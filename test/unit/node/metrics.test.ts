import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId, SpaceId } from '../../../src/base/index.ts'
import { type NodeStatus, type ProcessFigures, prometheusText } from '../../../src/node/index.ts'
import { METRICS_MAX_SERIES } from '../../../src/node/metrics.ts'

const STATUS: NodeStatus = {
  state: 'degraded',
  since: 0,
  name: 'ada "the first"\n',
  peer: '12D3KooWPWe2MBqcY5VCFcSwd1Yz8mLBRrCQVcJksXtfGM3jaGUn' as PeerId,
  version: '0.1.0"} 7\n',
  uptimeMs: 1_500,
  addresses: [],
  reach: { from: 'unknown', since: 0, addresses: [], relays: [], relaying: false },
  peers: { ready: 1, known: 2 },
  records: 12,
  spaces: [],
  components: [
    {
      name: 'bus',
      state: 'ok',
      since: 0,
      restarts: 0,
      figures: { messagesIn: 3, bytesIn: 9, queuedBytes: 5, 'fault:bad-records': 1 },
    },
    { name: 'clock', state: 'ok', since: 0, restarts: 0, figures: { aheadMs: 1_500 } },
    { name: 'research', state: 'failed', since: 0, restarts: 2, reason: 'x' },
  ],
}
const PROCESS: ProcessFigures = {
  residentBytes: 1,
  heapUsedBytes: 2,
  cpuSeconds: 0.5,
  eventLoopDelaySeconds: 0.01,
  openFiles: 7,
  storeBytes: 4096,
  walBytes: 32,
  diskFreeBytes: 2 ** 40,
}

test('every line is a comment or a series with a name that Prometheus takes and a number', () => {
  const lines = prometheusText(STATUS, PROCESS).trimEnd().split('\n')
  for (const line of lines)
    assert.match(line, /^(# (HELP|TYPE) [a-z_0-9]+ .+|[a-z_][a-z0-9_]*(\{[a-z]+="[\w.+-]*"\})? [\d.e+-]+)$/)
})

test('figures of components, their health, and nothing that names a peer', () => {
  const text = prometheusText(STATUS, PROCESS)
  assert.match(text, /^plexus_ok 0$/m)
  assert.match(text, /^# TYPE plexus_bus_messages_in_total counter$/m)
  assert.match(text, /^plexus_bus_messages_in_total 3$/m)
  assert.match(text, /^plexus_bus_in_bytes_total 9$/m)
  assert.match(text, /^# TYPE plexus_bus_queued_bytes gauge$/m)
  assert.match(text, /^plexus_clock_ahead_seconds 1\.5$/m)
  assert.match(text, /^plexus_store_bytes 4096$/m)
  assert.match(text, /^plexus_disk_free_bytes 1099511627776$/m)
  assert.match(text, /^plexus_bus_fault_bad_records 1$/m)
  assert.match(text, /^plexus_component_ok\{component="research"\} 0$/m)
  assert.match(text, /^plexus_component_restarts_total\{component="research"\} 2$/m)
  assert.match(text, /^plexus_uptime_seconds 1\.5$/m)
  assert.doesNotMatch(text, /12D3KooW|ada/)
})

test('peers add no series; spaces and components do up to a bound', () => {
  const seriesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const progress = { behind: 2, inStepWith: [], parked: 0 }
  const spaces = Array.from({ length: 500 }, (_, n) => ({
    id: `${n}` as SpaceId,
    name: `space ${n}`,
    personal: false,
    role: undefined,
    members: 1_000,
    progress,
    bytes: n,
    quotaBytes: 1_024,
  }))
  const few = seriesOf(prometheusText(STATUS, PROCESS))
  const many = prometheusText({ ...STATUS, spaces, peers: { ready: 900, known: 1_000 } }, PROCESS)
  assert.equal(seriesOf(many).length, few.length + 2 * 50)
  assert.match(many, /^plexus_space_bytes\{space="499"\} 499$/m)
  assert.match(many, /^plexus_space_quota_bytes\{space="450"\} 1024$/m)
  assert.match(many, /^plexus_records_behind 1000$/m)
  const figures = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`figure${n}`, n]))
  const components = Array.from({ length: 50 }, (_, n) => ({
    name: `c${n}`,
    state: 'ok' as const,
    since: 0,
    restarts: 0,
    figures,
  }))
  const bounded = prometheusText({ ...STATUS, components }, PROCESS)
  assert.equal(seriesOf(bounded).length, METRICS_MAX_SERIES)
  assert.match(bounded, /^plexus_metrics_left_out 3\d\d\d$/m)
  assert.equal(new Set(bounded.match(/^# TYPE \S+/gm)).size, bounded.match(/^# TYPE \S+/gm)?.length, 'one TYPE each')
})
