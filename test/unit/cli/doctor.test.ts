import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type PeerId, peerIdOfKey, type SpaceId } from '../../../src/base/index.ts'
import type { CheckState } from '../../../src/cli/doctor/check.ts'
import { checksOf } from '../../../src/cli/doctor/doctor.ts'
import type { DaemonFacts, Facts } from '../../../src/cli/doctor/facts.ts'
import { findMcpClients } from '../../../src/cli/doctor/mcp-clients.ts'
import type { ComponentReport, NodeStatus, PeerReport, ProcessFigures } from '../../../src/node/index.ts'

const NOW = 1_795_521_600_000
const PEER: PeerId = peerIdOfKey(new Uint8Array(32))
const DAY_MS = 24 * 3_600_000

const REACH: NodeStatus['reach'] = {
  from: 'network',
  since: NOW,
  addresses: ['/ip4/10.0.0.2/tcp/1'],
  relays: [],
  relaying: false,
}
const STATUS: NodeStatus = {
  state: 'ok',
  since: NOW,
  name: 'ada',
  peer: PEER,
  version: '0.1.0',
  uptimeMs: 1_000,
  addresses: ['/ip4/127.0.0.1/tcp/7424/p2p/x'],
  reach: REACH,
  peers: { ready: 1, known: 1 },
  records: 4,
  spaces: [],
  components: [{ name: 'bus', state: 'ok', since: NOW, restarts: 0, figures: {} }],
}
const PROCESS: ProcessFigures = {
  residentBytes: 1e8,
  heapUsedBytes: 5e7,
  cpuSeconds: 1,
  eventLoopDelaySeconds: 0.001,
  openFiles: 30,
  storeBytes: 4_096,
  walBytes: 0,
  diskFreeBytes: 1e10,
}
const DAEMON: DaemonFacts = {
  info: {
    pid: 7,
    version: '0.1.0',
    started: NOW,
    peer: PEER,
    name: 'ada',
    addresses: [],
    mcpUrl: 'http://127.0.0.1:7425/mcp',
    controlSocket: '/c',
    mcpSocket: '/m',
    logFile: '/l',
    notes: [],
    logLinesLost: 0,
  },
  answerMs: 4,
  sample: { at: NOW, elapsedMs: 1, status: STATUS, peers: [], process: PROCESS, events: [] },
  settings: { listen: '["/ip6/::/tcp/0"]', mdns: 'on' },
  clocks: [{ peer: PEER, offsetMs: 20, uncertaintyMs: 10 }],
  dials: [{ address: '127.0.0.1 port 7424', error: undefined }],
  http: { address: 'http://127.0.0.1:7425/mcp', error: undefined },
  openFilesMax: 1_024,
}
const FACTS: Facts = {
  nodeVersion: '24.21.0',
  version: '0.1.0',
  system: 'Linux 6',
  windows: false,
  now: NOW,
  installedAt: NOW - DAY_MS,
  folder: { path: '/p', mode: 0o40700 },
  key: { path: '/p/identity.json', mode: 0o100600 },
  tokenFile: { path: '/p/http-token', mode: 0o100600 },
  socketFolderError: undefined,
  disk: { freeBytes: 1e10, writeError: undefined },
  recorded: { pid: 7, isRunning: true },
  daemon: DAEMON,
  store: {
    integrity: 'ok',
    bytes: 8_192,
    freeBytes: 0,
    pragmas: {},
    schemas: [{ module: 'node', version: 1, appVersion: '0.1.0' }],
    tables: [],
    walBytes: 0,
  },
  crashes: [NOW - 8 * DAY_MS],
  hasIpv6: true,
  multicastError: undefined,
  mcpClients: [{ name: 'Cursor', path: '/c', entries: [{ command: 'plexus', isThere: true }] }],
}

const daemon = (of: Partial<DaemonFacts>): Partial<Facts> => ({ daemon: { ...DAEMON, ...of } })
const info = (of: Partial<DaemonFacts['info']>): Partial<Facts> => daemon({ info: { ...DAEMON.info, ...of } })
const status = (of: Partial<NodeStatus>): Partial<Facts> =>
  daemon({ sample: { ...DAEMON.sample, status: { ...STATUS, ...of } } })
const figures = (of: Partial<ProcessFigures>): Partial<Facts> =>
  daemon({ sample: { ...DAEMON.sample, process: { ...PROCESS, ...of } } })
const component = (of: Partial<ComponentReport>): Partial<Facts> =>
  status({ components: [{ name: 'bus', state: 'ok', since: NOW, restarts: 0, ...of }] })
const refused = { peer: PEER, name: 'eve\u001b[31m', state: 'refused', reason: 'no common space' } as PeerReport
const clock = (offsetMs: number): Partial<Facts> => daemon({ clocks: [{ peer: PEER, offsetMs, uncertaintyMs: 100 }] })
const store = FACTS.store as Extract<Facts['store'], { readonly integrity: string }>
const progress = { behind: 3, inStepWith: [], parked: 0 }
const space = {
  id: '1' as SpaceId,
  name: 'lab',
  personal: false,
  role: undefined,
  members: 2,
  progress,
  bytes: 1_024,
  quotaBytes: 0,
}

/** What is wrong, which check must say so, how, and what it must advise. */
const FAILINGS: readonly (readonly [
  what: string,
  facts: Partial<Facts>,
  check: string,
  state: CheckState,
  fix: RegExp,
])[] = [
  ['an old Node', { nodeVersion: '22.1.0' }, 'node', 'fail', /Install Node 24/],
  ['a folder open to others', { folder: { path: '/p', mode: 0o40755 } }, 'data folder', 'fail', /chmod 700 '\/p'/],
  ['no folder', { folder: { path: '/p' } }, 'data folder', 'warn', /plexus up/],
  ['a key open to others', { key: { path: '/k', mode: 0o100644 } }, 'identity', 'fail', /chmod 600/],
  ['a key that cannot be looked at', { key: { path: '/k', error: 'EACCES' } }, 'identity', 'fail', /readable/],
  ['a token open to others', { tokenFile: { path: '/t', mode: 0o100640 } }, 'http token', 'fail', /chmod 600/],
  ['a strange socket folder', { socketFolderError: 'others can get at /tmp/x' }, 'sockets', 'fail', /PLEXUS_HOME/],
  ['little disk', { disk: { freeBytes: 1e8, writeError: undefined } }, 'disk', 'warn', /Free some space/],
  ['no disk', { disk: { freeBytes: 1e6, writeError: undefined } }, 'disk', 'fail', /Free some space/],
  ['a read-only disk', { disk: { freeBytes: 1e10, writeError: 'EROFS' } }, 'disk writes', 'fail', /read-only/],
  ['a clock in the past', { now: 1e12 }, 'clock', 'fail', /Set the clock/],
  ['no multicast', { multicastError: 'ENODEV' }, 'local network', 'warn', /--no-mdns/],
  ['crashes', { crashes: [NOW - 1_000] }, 'crashes', 'warn', /support-bundle/],
  [
    'a client that starts nothing',
    { mcpClients: [{ name: 'Cursor', path: '/c', entries: [{ command: '/gone', isThere: false }] }] },
    'mcp clients',
    'warn',
    /plexus mcp/,
  ],
  ['a damaged store', { store: { ...store, integrity: 'row 3 missing' } }, 'store', 'fail', /plexus repair/],
  ['a store that is none', { store: { error: 'not a database' } }, 'store', 'fail', /plexus repair/],
  ['a log that grows', { store: { ...store, walBytes: 1e9 } }, 'write-ahead log', 'warn', /other programs/],
  [
    'a newer store',
    { store: { ...store, schemas: [{ module: 'node', version: 9, appVersion: '1.0.0' }] } },
    'schema',
    'fail',
    /Install Plexus 1\.0\.0/,
  ],
  ['no daemon', { daemon: 'down', recorded: undefined }, 'daemon', 'warn', /plexus up/],
  ['a daemon of another time', { daemon: 'older' }, 'daemon', 'fail', /plexus down/],
  ['a daemon that hangs', { daemon: 'silent' }, 'daemon', 'fail', /End process 7/],
  [
    'a daemon that was killed',
    { daemon: 'down', recorded: { pid: 7, isRunning: false } },
    'last end',
    'warn',
    /daemon\.log/,
  ],
  ['a process that is no daemon', { daemon: 'down' }, 'last end', 'fail', /delete daemon\.json/],
  ['an older daemon', info({ version: '0.0.9' }), 'version', 'warn', /plexus down/],
  ['a slow daemon', daemon({ answerMs: 3_000 }), 'control socket', 'warn', /plexus top/],
  [
    'HTTP that does not answer',
    daemon({ http: { address: 'x', error: 'refused' } }),
    'mcp over http',
    'warn',
    /--http-port/,
  ],
  ['no HTTP', daemon({ http: undefined }), 'mcp over http', 'warn', /--http-port/],
  ['no address', status({ addresses: [] }), 'listening', 'warn', /--listen/],
  [
    'another port',
    info({ notes: ['port 7 of last time is taken; this peer now listens on 8'] }),
    'listening',
    'warn',
    /old port/,
  ],
  [
    'a firewall',
    daemon({ dials: [{ address: '192.0.2.1 port 7', error: 'no answer' }] }),
    'own dial',
    'warn',
    /firewall/,
  ],
  [
    'no way in',
    status({ reach: { ...REACH, from: 'nowhere', reason: 'nobody could' } }),
    'reachable',
    'warn',
    /--relay/,
  ],
  ['no IPv6', { hasIpv6: false }, 'ipv6', 'warn', /IPv4/],
  ['a busy event loop', figures({ eventLoopDelaySeconds: 0.8 }), 'event loop', 'warn', /plexus top/],
  ['much memory', figures({ residentBytes: 2e9 }), 'memory', 'warn', /plexus down/],
  ['many open files', figures({ openFiles: 1_000 }), 'open files', 'warn', /ulimit/],
  ['few files allowed', daemon({ openFilesMax: 256 }), 'open files', 'warn', /ulimit/],
  ['a log that was not written', info({ logLinesLost: 2 }), 'log', 'warn', /space/],
  ['absent peers', status({ peers: { ready: 0, known: 1 } }), 'peers', 'warn', /plexus peers/],
  ['refused peers', daemon({ sample: { ...DAEMON.sample, peers: [refused] } }), 'refusals', 'warn', /ticket/],
  ['a clock that is off', clock(8_000), 'clocks', 'warn', /Set the clock/],
  ['a clock that is far off', clock(-400_000), 'clocks', 'fail', /Set the clock/],
  ['missing records', status({ spaces: [space] }), 'sync', 'warn', /plexus top/],
  ['full lanes', component({ figures: { droppedFull: 3 } }), 'bus', 'warn', /--kind overload/],
  ['a failed component', component({ state: 'failed', reason: 'no', fix: 'Do it.' }), 'bus', 'fail', /Do it/],
  ['a degraded component', component({ name: 'research', state: 'degraded' }), 'research', 'warn', /plexus down/],
]

describe('doctor', () => {
  test('finds nothing wrong with a peer that is well, and has at least fifteen checks', () => {
    const checks = checksOf(FACTS)
    assert.deepEqual(
      checks.filter(({ state }) => state !== 'ok'),
      [],
    )
    assert.ok(checks.length >= 15, `${checks.length}`)
    assert.equal(new Set(checks.map(({ name }) => name)).size, checks.length)
  })

  for (const [what, facts, name, state, fix] of FAILINGS) {
    test(`finds ${what}, and says what to do`, () => {
      const found = checksOf({ ...FACTS, ...facts }).filter((check) => check.state !== 'ok')
      const check = found.find((one) => one.name === name && one.state === state)
      assert.ok(check !== undefined, JSON.stringify(found))
      assert.match(check.fix ?? '', fix)
      assert.doesNotMatch(check.detail, /\p{Cc}/u)
    })
  }

  test('every check is tried in a state that is not well', () => {
    const tried = new Set(FAILINGS.map(([, , name]) => name))
    assert.deepEqual(
      checksOf(FACTS).filter(({ name }) => !tried.has(name)),
      [],
    )
  })

  test('a clock is not called wrong for what lies within the error of the measurement', () => {
    const checks = checksOf({
      ...FACTS,
      ...daemon({ clocks: [{ peer: PEER, offsetMs: 6_000, uncertaintyMs: 2_000 }] }),
    })
    assert.equal(checks.find(({ name }) => name === 'clocks')?.state, 'ok')
  })
})

test('MCP clients are found where they keep their servers, with what they start', () => {
  const home = mkdtempSync(join(tmpdir(), 'plexus-home-'))
  try {
    const program = join(home, 'plexus')
    writeFileSync(program, '')
    const write = (path: string, value: unknown): void => {
      mkdirSync(join(home, path, '..'), { recursive: true })
      writeFileSync(join(home, path), typeof value === 'string' ? value : JSON.stringify(value))
    }
    write('.claude.json', {
      mcpServers: { plexus: { command: program, args: ['mcp'] }, other: { command: 'x', args: [] } },
    })
    write('.cursor/mcp.json', {
      mcpServers: { p: { command: 'node', args: [join(home, 'gone', 'plexus.js'), 'mcp'] }, bad: 3 },
    })
    write('.gemini/settings.json', '{ // a comment\n}')
    write('.codeium/windsurf/mcp_config.json', [])
    const clients = findMcpClients(home, '')
    assert.deepEqual(
      clients.map(({ name, entries, error }) => [name, entries.map(({ isThere }) => isThere), error]),
      [
        ['Claude Code', [true], undefined],
        ['Cursor', [false], undefined],
        ['Windsurf', [], undefined],
        ['Gemini CLI', [], 'it is no plain JSON'],
      ],
    )
  } finally {
    rmSync(home, { recursive: true })
  }
})
