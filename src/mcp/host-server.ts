import { type OperationContext, type Random, reasonOf } from '../base/index.ts'
import { McpError } from './errors.ts'
import { type HostContext, type Named, operationContext } from './host-request.ts'
import type { PlexusPeer } from './peer.ts'
import { callTool, type Tool } from './tool.ts'

/**
 * An `McpServer` of either generation of the SDK, `@modelcontextprotocol/sdk` from 1.23 or `@modelcontextprotocol/server`, by what
 * they have in common: nothing of them is imported, and a server may bring another copy than ours.
 */
export interface HostServer {
  registerTool(...args: never[]): unknown
  readonly server: {
    onclose?: (() => void) | undefined
    getClientVersion(): Named | undefined
  }
}

/** What `registerTool` of both generations gives back. */
interface RegisteredTool {
  readonly inputSchema?: unknown
  remove(): void
}

type RegisterTool = (
  name: string,
  config: object,
  handler: (input: unknown, context: HostContext) => Promise<unknown>,
) => RegisteredTool

export interface ToolsComponents {
  readonly peer: Pick<PlexusPeer, 'call'>
  readonly random: Random
  /** What the agent of a client, if that is known, is called in what it writes; at most 64 characters of it are kept. */
  readonly agentName: (client: Named | undefined) => string
}

/** Registers tools under the names that are their keys: all, or none and throws `ERR_TOOL_REFUSED`. */
export function registerTools(server: HostServer, tools: ReadonlyMap<string, Tool>, components: ToolsComponents): void {
  const registered: RegisteredTool[] = []
  try {
    for (const [name, tool] of tools) registered.push(registerTool(server, name, tool, components))
  } catch (error) {
    for (const tool of registered) tool.remove()
    throw error
  }
}

function registerTool(server: HostServer, name: string, of: Tool, components: ToolsComponents): RegisteredTool {
  const { title, description, input: inputSchema, output: outputSchema, annotations } = of
  const config = { title, description, inputSchema, outputSchema, annotations: { title, ...annotations } }
  const context = (request: HostContext): OperationContext => operationContext(request, server, components.agentName)
  let registered: RegisteredTool
  try {
    registered = (server.registerTool as RegisterTool).call(server, name, config, (input, request) =>
      callTool(of, input, { ...components, context: context(request) }),
    )
  } catch (cause) {
    const fix =
      'If the name is taken, choose a `prefix` or fewer `tools`; and call withPlexus before the server connects.'
    throw refused(name, reasonOf(cause), fix, cause)
  }
  // An SDK that knows only zod 3 takes a schema of zod 4 for a list of fields, and every `tools/list` would fail.
  if (registered.inputSchema === inputSchema) return registered
  registered.remove()
  throw refused(name, 'its SDK knows no zod 4', 'Build the server with @modelcontextprotocol/sdk 1.23 or newer.')
}

function refused(name: string, why: string, fix: string, cause?: unknown): McpError {
  return new McpError('ERR_TOOL_REFUSED', `the MCP server does not take the tool ${name}: ${why}`, { cause, fix })
}

/** Both generations keep these under these names, which their types call private. A server without them is left as it is. */
interface Inside {
  readonly _serverInfo?: Named
  _instructions?: unknown
}

/** How the server introduces itself, if it can be found out. */
export function identityOf({ server }: HostServer): Named | undefined {
  const { _serverInfo } = server as Inside
  return typeof _serverInfo?.name === 'string' ? _serverInfo : undefined
}

/** Adds to what the server tells clients of its use. */
export function addInstructions({ server }: HostServer, text: string): void {
  const inside = server as Inside
  if (!('_instructions' in inside)) return
  inside._instructions = inside._instructions ? `${inside._instructions}\n\n${text}` : text
}
