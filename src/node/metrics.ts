import { BUS_COUNTERS } from '../bus/index.ts'
import type { NodeStatus, SpaceReport } from './types.ts'

/** What the process itself says, from an adapter. */
export interface ProcessFigures {
  readonly residentBytes: number
  readonly heapUsedBytes: number
  readonly cpuSeconds: number
  /** 99th percentile of how late timers fired in the last seconds, seconds. */
  readonly eventLoopDelaySeconds: number
  /** Where the system tells. */
  readonly openFiles: number | undefined
  readonly storeBytes: number
  readonly walBytes: number
  readonly diskFreeBytes: number
}

/** However many components there are: what comes after is left out, and counted. */
export const METRICS_MAX_SERIES = 2_000
/** Spaces of which it is said what they take: the largest. */
const METRICS_MAX_SPACES = 50
/** Of a space's id: enough to tell ours apart, too little to be of use to others. */
const SPACE_LABEL_DIGITS = 12

/** Figures that only grow while the node runs; all others are gauges. */
const COUNTERS: ReadonlySet<string> = new Set([
  ...BUS_COUNTERS,
  ...['dials', 'refusedStreams', 'failedHandlers', 'failedDials', 'refusedPeers', 'oversizedFrames', 'ignoredLanPeers'],
  ...['ignored', 'strangersClosed', 'dropped', 'queriesAnswered', 'queriesRefused', 'answersRefused'],
  ...['liveOut', 'liveIn', 'liveDropped', 'fetched', 'served', 'wantsRefused', 'fromStrangers', 'peersCutOff'],
  ...['announced', 'searches', 'unanswered', 'refusedPuts', 'evicted', 'found', 'openResets'],
  ...['joinRequests', 'joinsAdmitted', 'joinsRefused', 'joinsMalformed'],
  ...['appended', 'appendCommits', 'parkedDropped', 'viewFailures', 'unknownKinds', 'refusedCircuits'],
  ...['searchesFailed', 'searchesRefused', 'searchThreads'],
  ...['dialBacks', 'refused', 'failed', 'bytesRelayed', 'reserved', 'circuitsOpened'],
])

type MetricType = 'gauge' | 'counter'

/** Lines of the Prometheus text format, version 0.0.4. */
class Page {
  readonly #lines: string[] = []
  readonly #names = new Set<string>()
  #series = 0
  #leftOut = 0

  add(type: MetricType, name: string, help: string, value: number, labels = ''): void {
    // One place is kept for the count of what was left out.
    if (this.#series >= METRICS_MAX_SERIES - 1) {
      this.#leftOut++
      return
    }
    this.#series++
    if (!this.#names.has(name)) this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
    this.#names.add(name)
    this.#lines.push(`${name}${labels} ${value}`)
  }

  text(): string {
    const name = 'plexus_metrics_left_out'
    const last = [
      `# HELP ${name} Series beyond the bound of ${METRICS_MAX_SERIES}.`,
      `# TYPE ${name} gauge`,
      `${name} ${this.#leftOut}`,
    ]
    return `${[...this.#lines, ...last].join('\n')}\n`
  }
}

/**
 * A node's status for Prometheus. Every figure of a component is `plexus_<component>_<figure>`, in base units, a counter with
 * `_total`. No label holds the name or id of a peer or the name of a space; what the largest spaces take is told by the beginning of their ids.
 */
export function prometheusText(status: NodeStatus, process: ProcessFigures): string {
  const page = new Page()
  addNode(page, status)
  addProcess(page, process)
  for (const { name, state } of status.components) {
    page.add(
      'gauge',
      'plexus_component_ok',
      '1 when the component is well.',
      state === 'ok' ? 1 : 0,
      `{component="${snakeCase(name)}"}`,
    )
  }
  for (const { name, restarts } of status.components) {
    const labels = `{component="${snakeCase(name)}"}`
    page.add('counter', 'plexus_component_restarts_total', 'Starts after a failure.', restarts, labels)
  }
  for (const { name, figures = {} } of status.components) {
    for (const [figure, value] of Object.entries(figures)) addFigure(page, name, figure, value)
  }
  return page.text()
}

function addNode(page: Page, status: NodeStatus): void {
  const { version, state, uptimeMs, peers, records, spaces } = status
  const shared = spaces.filter((space) => !space.personal)
  const behind = shared.reduce((sum, { progress }) => sum + progress.behind, 0)
  page.add(
    'gauge',
    'plexus_info',
    'Always 1; the version is the label.',
    1,
    `{version="${version.replace(/[^\w.+-]/g, '')}"}`,
  )
  page.add('gauge', 'plexus_ok', '1 when every component is well.', state === 'ok' ? 1 : 0)
  page.add('gauge', 'plexus_uptime_seconds', 'Since the node started.', uptimeMs / 1_000)
  page.add('gauge', 'plexus_peers_ready', 'Members whose lanes are up.', peers.ready)
  page.add('gauge', 'plexus_peers_known', 'Members of our spaces but us.', peers.known)
  page.add('gauge', 'plexus_records', 'Records in the store.', records)
  page.add('gauge', 'plexus_spaces', 'Shared spaces.', shared.length)
  const largest = spaces.toSorted((a, b) => b.bytes - a.bytes).slice(0, METRICS_MAX_SPACES)
  const labelOf = ({ id }: SpaceReport): string => `{space="${id.slice(0, SPACE_LABEL_DIGITS)}"}`
  for (const space of largest) {
    page.add('gauge', 'plexus_space_bytes', 'What the records of a space take.', space.bytes, labelOf(space))
  }
  for (const space of largest) {
    page.add('gauge', 'plexus_space_quota_bytes', 'What they may take; 0: all.', space.quotaBytes, labelOf(space))
  }
  page.add('gauge', 'plexus_records_behind', 'Records known to exist that are not here yet.', behind)
}

function addProcess(page: Page, process: ProcessFigures): void {
  page.add('gauge', 'plexus_store_bytes', 'Size of the database file.', process.storeBytes)
  page.add('gauge', 'plexus_store_wal_bytes', 'Size of its write-ahead log.', process.walBytes)
  page.add('gauge', 'plexus_disk_free_bytes', 'Free where the store lies.', process.diskFreeBytes)
  page.add('gauge', 'process_resident_memory_bytes', 'Resident set size.', process.residentBytes)
  page.add('gauge', 'process_heap_used_bytes', 'Of the JavaScript heap.', process.heapUsedBytes)
  page.add('counter', 'process_cpu_seconds_total', 'User and system time.', process.cpuSeconds)
  page.add('gauge', 'process_event_loop_delay_p99_seconds', 'How late timers fire.', process.eventLoopDelaySeconds)
  if (process.openFiles !== undefined)
    page.add('gauge', 'process_open_fds', 'Open file descriptors.', process.openFiles)
}

function addFigure(page: Page, component: string, figure: string, value: number): void {
  const isCounter = COUNTERS.has(figure)
  const [base, scale] = baseUnit(figure)
  const name = `plexus_${snakeCase(component)}_${snakeCase(base)}${isCounter ? '_total' : ''}`
  const help = `The figure ${figure.replace(/[\n\\]/g, '')} of ${component.replace(/[\n\\]/g, '')}.`
  page.add(isCounter ? 'counter' : 'gauge', name, help, value * scale)
}

/** `rttMs` in seconds, `bytesIn` with its unit at the end. */
function baseUnit(figure: string): readonly [name: string, scale: number] {
  if (figure.endsWith('Ms')) return [`${figure.slice(0, -2)}Seconds`, 0.001]
  const rest = /^bytes([A-Z]\w*)$/.exec(figure)?.[1]
  return [rest === undefined ? figure : `${rest}Bytes`, 1]
}

/** `messagesIn` and `fault:bad-records` as metric names allow. */
function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
}
