import {
  abortable,
  type Caller,
  type Clock,
  codeOf,
  errorReport,
  type Logger,
  type OperationContext,
  type Random,
  reasonOf,
  silentLogger,
  systemClock,
  systemRandom,
  withDeadline,
} from '../base/index.ts'
import type { NodeStatus, PlexusNode } from '../node/index.ts'
import { McpError } from './errors.ts'
import type { Named } from './host-request.ts'
import { addInstructions, type HostServer, identityOf, registerTools } from './host-server.ts'
import { localPeer } from './local-peer.ts'
import type { PlexusPeer } from './peer.ts'
import { chosenTools, instructionsFor, type ToolChoice } from './tools.ts'

/** How long `status()` waits for the peer. */
export const STATUS_TIMEOUT_MS = 5_000

export interface WithPlexusOptions extends ToolChoice {
  /**
   * The peer to take part through: a `PlexusNode` of this program, or one `localPeer()` for many servers. It stays the caller's to
   * stop. Default: the daemon of this user, which is started when it does not run.
   */
  readonly peer?: PlexusPeer | undefined
  /** Which daemon of this user. Default: PLEXUS_PROFILE, else `default`. */
  readonly profile?: string | undefined
  /** How the server is named in what its agents write. Default: the name and version that it tells clients. */
  readonly name?: string | undefined
  readonly log?: Logger | undefined
  readonly clock?: Clock | undefined
  readonly random?: Random | undefined
}

/** How the network is doing as this server sees it. Whatever is not `ok` says why and what to do. */
export interface PlexusStatus {
  readonly state: NodeStatus['state'] | 'closed'
  readonly reason?: string | undefined
  /** Milliseconds since 1970. */
  readonly since: number
  readonly fix?: string | undefined
  /** What the peer says of itself, if it could be asked. */
  readonly node?: NodeStatus
}

/** A server's part in the network. */
export interface Plexus extends AsyncDisposable {
  /** Names of the tools that the server has of it. */
  readonly tools: readonly string[]
  /** As that of a `PlexusNode`, in the name of the server, for the server's own code. */
  readonly call: PlexusNode['call']
  /** Never rejects, and starts nothing. */
  status(): Promise<PlexusStatus>
  /** Ends it. The server goes on; the tools answer that they are closed. */
  close(): Promise<void>
}

/**
 * Gives an MCP server the network: the tools of Plexus beside its own. To be called before the server connects. Whatever happens
 * to the network, the server goes on, and the tools say what is wrong. When the server closes, its conversation with the daemon
 * ends; when it is connected again, the next call begins another.
 *
 * Throws `ERR_HOST_SERVER`, `ERR_TOOL_REFUSED` or `ERR_INVALID_ARGUMENT`, and then has changed nothing.
 */
export function withPlexus(server: HostServer, options: WithPlexusOptions = {}): Plexus {
  const { log = silentLogger(), clock = systemClock(), random = systemRandom() } = options
  if (typeof server.registerTool !== 'function') throw noMcpServer()
  const tools = chosenTools(options)
  const host = options.name ?? labelOf(identityOf(server) ?? { name: 'mcp' })
  const own = options.peer === undefined ? localPeer({ profile: options.profile }) : undefined
  const link = new Link(options.peer ?? (own as PlexusPeer), clock)
  const agentName = (client: Named | undefined): string =>
    client === undefined ? host : `${host} for ${labelOf(client)}`
  registerTools(server, tools, { peer: link, random, agentName })
  if (tools.size > 0) addInstructions(server, instructionsFor(tools))
  if (own !== undefined) {
    own.open().catch((error: unknown) => log.warn({ code: codeOf(error), reason: reasonOf(error) }, 'no network yet'))
    releaseOnClose(server, own)
  }
  const caller: Caller = { kind: 'agent', client: host }
  const close = async (): Promise<void> => {
    link.close()
    own?.[Symbol.dispose]()
  }
  return {
    tools: [...tools.keys()],
    call: async (operation, input, context) => (await link.call(operation, input, { caller, ...context })) as never,
    status: () => link.status(),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A peer until it is closed, and how it was when it was last looked at. */
class Link {
  readonly #peer: PlexusPeer
  readonly #clock: Clock
  readonly #ending = new AbortController()
  /** Since when it is closed, or cannot be asked. */
  #since: number | undefined

  constructor(peer: PlexusPeer, clock: Clock) {
    this.#peer = peer
    this.#clock = clock
  }

  async call(operation: string, input: unknown, context: Partial<OperationContext> = {}): Promise<unknown> {
    const { signal: ending } = this.#ending
    ending.throwIfAborted()
    const signal = context.signal === undefined ? ending : AbortSignal.any([ending, context.signal])
    return await abortable(this.#peer.call(operation, input, { ...context, signal }), ending)
  }

  async status(): Promise<PlexusStatus> {
    if (this.#ending.signal.aborted) return this.#without('closed', this.#ending.signal.reason)
    try {
      const what = 'asking the peer how it is'
      const asked = Promise.resolve(this.#peer.status())
      const node = await withDeadline(asked, { clock: this.#clock, timeoutMs: STATUS_TIMEOUT_MS, what })
      this.#since = undefined
      const { state, reason, since, fix } = node
      return { state, reason, since, fix, node }
    } catch (error) {
      return this.#without('failed', error)
    }
  }

  close(): void {
    if (this.#ending.signal.aborted) return
    this.#since = this.#clock.now()
    const fix = 'Restart the MCP server.'
    this.#ending.abort(new McpError('ERR_PLEXUS_CLOSED', 'this server takes part in Plexus no longer', { fix }))
  }

  #without(state: 'closed' | 'failed', error: unknown): PlexusStatus {
    this.#since ??= this.#clock.now()
    const { message: reason, fix = 'See what `plexus doctor` says.' } = errorReport(error)
    return { state, reason, since: this.#since, fix }
  }
}

/** A server that closes, for whatever reason, needs its conversation no longer. */
function releaseOnClose({ server }: HostServer, own: Disposable): void {
  const { onclose } = server
  server.onclose = () => {
    own[Symbol.dispose]()
    onclose?.call(server)
  }
}

function labelOf({ name, version }: Named): string {
  return version === undefined ? name : `${name}/${version}`
}

function noMcpServer(): McpError {
  return new McpError('ERR_HOST_SERVER', 'withPlexus needs an McpServer of the MCP SDK: this has no registerTool', {
    fix: 'Of the low-level `Server`, build an `McpServer`; or let the client start `plexus mcp` beside it.',
  })
}
