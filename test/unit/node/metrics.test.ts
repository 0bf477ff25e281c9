import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId } from '../../../src/base/index.ts'
import { type NodeStatus, prometheusText } from '../../../src/node/index.ts'

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
    { name: 'bus', state: 'ok', since: 0, restarts: 0, figures: { messagesIn: 3, 'fault:bad-records': 1 } },
    { name: 'research', state: 'failed', since: 0, restarts: 2, reason: 'x' },
  ],
}
const PROCESS = { residentBytes: 1, heapUsedBytes: 2, cpuSeconds: 0.5, eventLoopDelaySeconds: 0.01 }

test('every line is a comment or a series with a name that Prometheus takes and a number', () => {
  const lines = prometheusText(STATUS, PROCESS).trimEnd().split('\n')
  for (const line of lines)
    assert.match(line, /^(# (HELP|TYPE) [a-z_0-9]+ .+|[a-z_][a-z0-9_]*(\{[a-z]+="[\w.+-]*"\})? [\d.e+-]+)$/)
})

test('figures of components, their health, and nothing that names a peer', () => {
  const text = prometheusText(STATUS, PROCESS)
  assert.match(text, /^plexus_ok 0$/m)
  assert.match(text, /^plexus_bus_messages_in 3$/m)
  assert.match(text, /^plexus_bus_fault_bad_records 1$/m)
  assert.match(text, /^plexus_component_ok\{component="research"\} 0$/m)
  assert.match(text, /^plexus_component_restarts_total\{component="research"\} 2$/m)
  assert.match(text, /^plexus_uptime_seconds 1\.5$/m)
  assert.doesNotMatch(text, /12D3KooW|ada/)
})
