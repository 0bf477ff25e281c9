import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { HttpRoute } from '../../mcp/index.ts'
import { type PlexusNode, type ProcessFigures, prometheusText } from '../../node/index.ts'

const PLAIN = 'text/plain; charset=utf-8'

/**
 * What monitors look at, on the loopback port of MCP: `/livez` (the event loop turns), `/readyz` (every component is well,
 * or which is not and why), `/metrics` (Prometheus; with the token, like MCP).
 */
export function monitoringRoutes(node: PlexusNode): Readonly<Record<string, HttpRoute>> {
  const delay = monitorEventLoopDelay()
  delay.enable()
  const figures = (): ProcessFigures => {
    const { rss, heapUsed } = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    const eventLoopDelaySeconds = delay.percentile(99) / 1e9
    delay.reset()
    return { residentBytes: rss, heapUsedBytes: heapUsed, cpuSeconds: (user + system) / 1e6, eventLoopDelaySeconds }
  }
  return {
    '/livez': { needsToken: false, answer: () => ({ status: 200, type: PLAIN, body: 'ok\n' }) },
    '/readyz': {
      needsToken: false,
      answer: () => {
        const { state, reason } = node.status()
        return {
          status: state === 'failed' ? 503 : 200,
          type: PLAIN,
          body: `${state}${reason === undefined ? '' : `: ${reason}`}\n`,
        }
      },
    },
    '/metrics': {
      needsToken: true,
      answer: () => ({
        status: 200,
        type: 'text/plain; version=0.0.4; charset=utf-8',
        body: prometheusText(node.status(), figures()),
      }),
    },
  }
}
