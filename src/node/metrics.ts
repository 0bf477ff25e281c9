import type { NodeStatus } from './types.ts'

/** What the process itself says, from an adapter. */
export interface ProcessFigures {
  readonly residentBytes: number
  readonly heapUsedBytes: number
  readonly cpuSeconds: number
  /** 99th percentile of how late timers fired since the last look, seconds. */
  readonly eventLoopDelaySeconds: number
}

/**
 * A node's status in the Prometheus text format (version 0.0.4). Every figure of a component is a gauge
 * `plexus_<component>_<figure>`. No label holds the name or id of a peer or a space, so the number of series is that of the
 * figures, a few hundred.
 */
export function prometheusText(status: NodeStatus, process: ProcessFigures): string {
  const lines: string[] = []
  const gauge = (name: string, help: string, value: number, labels = ''): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name}${labels} ${value}`)
  }
  gauge(
    'plexus_info',
    'Always 1; the version is the label.',
    1,
    `{version="${status.version.replace(/[^\w.+-]/g, '')}"}`,
  )
  gauge('plexus_ok', '1 when every component is well.', status.state === 'ok' ? 1 : 0)
  gauge('plexus_uptime_seconds', 'Since the node started.', status.uptimeMs / 1_000)
  gauge('plexus_peers_ready', 'Members whose lanes are up.', status.peers.ready)
  gauge('plexus_peers_known', 'Members of our spaces but us.', status.peers.known)
  gauge('plexus_records', 'Records in the store.', status.records)
  const shared = status.spaces.filter((space) => !space.personal)
  gauge('plexus_spaces', 'Shared spaces.', shared.length)
  gauge(
    'plexus_records_behind',
    'Records known to exist that are not here yet.',
    sum(shared.map((space) => space.progress.behind)),
  )
  gauge('process_resident_memory_bytes', 'Resident set size.', process.residentBytes)
  gauge('process_heap_used_bytes', 'Of the JavaScript heap.', process.heapUsedBytes)
  gauge('process_cpu_seconds_total', 'User and system time.', process.cpuSeconds)
  gauge('process_event_loop_delay_p99_seconds', 'How late timers fire.', process.eventLoopDelaySeconds)
  lines.push('# HELP plexus_component_ok 1 when the component is well.', '# TYPE plexus_component_ok gauge')
  for (const { name, state } of status.components) {
    lines.push(`plexus_component_ok{component="${snakeCase(name)}"} ${state === 'ok' ? 1 : 0}`)
  }
  lines.push(
    '# HELP plexus_component_restarts_total Starts after a failure.',
    '# TYPE plexus_component_restarts_total counter',
  )
  for (const { name, restarts } of status.components) {
    lines.push(`plexus_component_restarts_total{component="${snakeCase(name)}"} ${restarts}`)
  }
  for (const { name, figures = {} } of status.components) {
    for (const [figure, value] of Object.entries(figures)) {
      gauge(
        `plexus_${snakeCase(name)}_${snakeCase(figure)}`,
        `The figure ${figure.replace(/[\n\\]/g, '')} of ${name}.`,
        value,
      )
    }
  }
  return `${lines.join('\n')}\n`
}

/** `messagesIn` and `fault:bad-records` as metric names allow. */
function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
