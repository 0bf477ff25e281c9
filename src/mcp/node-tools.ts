import { z } from 'zod'
import { plainLine, plainName, quotedLine, shortPeerId } from '../base/index.ts'
import type { NodeStatus, PeerReport } from '../node/index.ts'
import { READ_ONLY, type Tool, tool } from './tool.ts'

/** Reasons may hold a sentence of the other peer. */
const REASON_MAX_CHARS = 300

const detail = z.enum(['concise', 'detailed']).default('concise')

export const nodeStatusTool: Tool = tool({
  name: 'node_status',
  title: 'Status of this peer',
  description:
    'Who this peer is, which spaces it belongs to, how many members are reachable, and what is wrong, with its fix. Start here.',
  input: z.object({ detail }),
  output: z.looseObject({ state: z.string(), name: z.string(), peer: z.string() }),
  annotations: READ_ONLY,
  run: async (input, { call }) => {
    const status = await call<NodeStatus>('node.status', {})
    const spaces = status.spaces.map(({ name, personal, role, members, progress }) => ({
      name: personal ? 'private' : plainName(name),
      role: role ?? 'none',
      members,
      behind: progress.behind,
      inStepWith: progress.inStepWith.length,
    }))
    const troubles = status.components.filter((component) => component.state !== 'ok')
    const data = {
      state: status.state,
      name: status.name,
      peer: status.peer,
      version: status.version,
      peers: status.peers,
      records: status.records,
      spaces,
      troubles: troubles.map(({ name, state, reason, fix }) => ({ name, state, reason, fix })),
      ...(input.detail === 'detailed' ? { addresses: status.addresses, components: status.components } : {}),
    }
    const lines = [
      `${status.name} is ${status.state}; ${status.peers.ready} of ${status.peers.known} peers ready; ${status.records} records.`,
      ...spaces.map(
        (space) =>
          `space ${quotedLine(space.name)}: ${space.role}, ${space.members} members, ${space.behind} records behind`,
      ),
      ...troubles.map(
        (component) =>
          `${component.name} ${component.state}: ${quotedLine(component.reason ?? '', REASON_MAX_CHARS)} Fix: ${component.fix ?? 'none known'}`,
      ),
      ...(input.detail === 'detailed' ? status.addresses.map((address) => `listens on ${address}`) : []),
    ]
    return { text: lines.join('\n'), data }
  },
})

/** As in `LinkState` of the bus. */
const LINK_STATES = ['ready', 'suspected', 'reachable', 'connecting', 'refused', 'offline'] as const

export const peersListTool: Tool = tool({
  name: 'peers_list',
  title: 'Peers',
  description: 'The members of our spaces: name, whether each is reachable now, round trip, and why not if not.',
  input: z.object({
    state: z.enum(LINK_STATES).optional().describe('Only peers in this state'),
    limit: z.int().min(1).max(100).default(50),
    cursor: z.string().max(16).optional(),
  }),
  output: z.looseObject({ peers: z.array(z.looseObject({ peer: z.string(), state: z.string() })), total: z.int() }),
  annotations: READ_ONLY,
  run: async ({ state, limit, cursor }, { call }) => {
    const { peers } = await call<{ readonly peers: readonly PeerReport[] }>('peers.list', {})
    const wanted = peers.filter((peer) => state === undefined || peer.state === state)
    const from = Number(cursor ?? 0) || 0
    const page = wanted.slice(from, from + limit).map((peer) => ({
      name: plainName(peer.name ?? '?'),
      peer: peer.peer,
      state: peer.state,
      rttMs: peer.rttMs,
      link: peer.kind,
      reason: peer.reason === undefined ? undefined : plainLine(peer.reason, REASON_MAX_CHARS),
      spaces: peer.spaces.map((space) => plainName(space.name)),
    }))
    const next = from + limit < wanted.length ? String(from + limit) : undefined
    const lines = page.map((peer) => {
      const rtt = peer.rttMs === undefined ? '' : ` ${peer.rttMs.toFixed(1)} ms`
      const reason = peer.state === 'ready' ? '' : `: ${quotedLine(peer.reason ?? '', REASON_MAX_CHARS)}`
      return `${quotedLine(peer.name)} (${shortPeerId(peer.peer)}) ${peer.state}${rtt}${reason}`
    })
    const text =
      page.length === 0 ? 'No such peers. Somebody joins with a ticket from `plexus invite`.' : lines.join('\n')
    return { text, data: { peers: page, total: wanted.length, ...(next === undefined ? {} : { cursor: next }) } }
  },
})
