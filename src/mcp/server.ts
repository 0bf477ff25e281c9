import { McpServer, type McpServerFactory } from '@modelcontextprotocol/server'
import type { Random } from '../base/index.ts'
import type { PlexusNode } from '../node/index.ts'
import { registerTools } from './host-server.ts'
import { chosenTools, instructionsFor } from './tools.ts'

/** One server per connection (or per HTTP request), the same for both protocol eras. */
export function serverFactory(components: {
  readonly node: PlexusNode
  readonly random: Random
  readonly version: string
}): McpServerFactory {
  const { node, random, version } = components
  const tools = chosenTools()
  const instructions = instructionsFor(tools)
  return () => {
    const server = new McpServer(
      { name: 'plexus', title: 'Plexus', version },
      { instructions, capabilities: { tools: {} } },
    )
    registerTools(server, tools, { peer: node, random, agentName: (client) => client?.name ?? 'mcp' })
    return server
  }
}
