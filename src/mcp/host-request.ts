import type { OperationContext } from '../base/index.ts'
import type { HostServer } from './host-server.ts'

/** How a client or a server introduces itself. */
export interface Named {
  readonly name: string
  readonly version?: string
}

interface Notification {
  readonly method: string
  readonly params: object
}

interface Meta {
  readonly progressToken?: string | number
  readonly traceparent?: unknown
}

/** What the handler of a tool is told of a request by version 1 of the SDK, or in `mcpReq` by version 2. */
export interface HostContext {
  readonly signal?: AbortSignal
  readonly _meta?: Meta
  /** The HTTP request that brought it. */
  readonly requestInfo?: { readonly headers: Readonly<Record<string, unknown>> }
  sendNotification?(notification: Notification): Promise<void>
  readonly mcpReq?: {
    readonly signal: AbortSignal
    readonly _meta?: Meta
    readonly envelope?: Readonly<Record<string, unknown>>
    notify(notification: Notification): Promise<void>
  }
  readonly http?: { readonly req?: { readonly headers: Headers } | undefined } | undefined
}

/** How the client names itself in each request since 2026-07-28; before, it did at `initialize`. */
const CLIENT_INFO = 'io.modelcontextprotocol/clientInfo'

/** What records keep of an agent's name. */
const AGENT_MAX_CHARS = 64

/** A request as operations see it: who asks, when it is cancelled, and where its progress goes. */
export function operationContext(
  request: HostContext,
  server: HostServer,
  agentName: (client: Named | undefined) => string,
): OperationContext {
  const { mcpReq } = request
  const { signal = new AbortController().signal, _meta } = mcpReq ?? request
  const progressToken = _meta?.progressToken
  const notify = (notification: Notification): Promise<void> | undefined =>
    mcpReq === undefined ? request.sendNotification?.(notification) : mcpReq.notify(notification)
  const client = (mcpReq?.envelope?.[CLIENT_INFO] as Named | undefined) ?? server.server.getClientVersion()
  return {
    caller: { kind: 'agent', client: agentName(client).slice(0, AGENT_MAX_CHARS) },
    signal,
    trace: traceOf(request),
    progress: ({ done: progress, ...rest }) => {
      if (progressToken === undefined) return
      const params = { progressToken, progress, ...rest }
      // Progress is a courtesy: a client that has gone does not fail the work.
      notify({ method: 'notifications/progress', params })?.catch(() => undefined)
    },
  }
}

/** The trace that the call belongs to: of its `_meta`, or of the HTTP request that brought it. */
function traceOf({ mcpReq, http, _meta, requestInfo }: HostContext): string | undefined {
  const inRequest = (mcpReq?._meta ?? _meta)?.traceparent
  const found = inRequest ?? http?.req?.headers.get('traceparent') ?? requestInfo?.headers.traceparent
  return typeof found === 'string' ? found : undefined
}
