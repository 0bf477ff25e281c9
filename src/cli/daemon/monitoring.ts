import type { HttpRoute } from '../../mcp/index.ts'
import { type PlexusNode, prometheusText } from '../../node/index.ts'
import type { Vitals } from './vitals.ts'

const PLAIN = 'text/plain; charset=utf-8'

/**
 * What monitors look at, on the loopback port of MCP: `/livez` (the event loop turns), `/readyz` (every component is well,
 * or which is not and why), `/metrics` (Prometheus; with the token, like MCP).
 */
export function monitoringRoutes(node: PlexusNode, vitals: Vitals): Readonly<Record<string, HttpRoute>> {
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
        body: prometheusText(node.status(), vitals.read()),
      }),
    },
  }
}
