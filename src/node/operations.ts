import { z } from 'zod'
import {
  LOG_LEVELS,
  type Operation,
  type OperationType,
  operationOf,
  type Random,
  type SpaceId,
} from '../base/index.ts'
import {
  type GrantableRole,
  INVITE_DEFAULT_TTL_MS,
  INVITE_MAX_USES,
  type Role,
  type SpaceInfo,
  spaceCalled,
} from '../space/index.ts'
import type { JoinReport } from '../sync/index.ts'
import { type DeviceOperations, deviceOperations } from './device-operations.ts'
import { NodeError } from './errors.ts'
import { EVENTS_KEPT, type EventBatch, LOG_LINES_KEPT } from './event-log/event-log.ts'
import type { EventFilter } from './event-log/node-event.ts'
import { type ExportInput, type ExportPart, exportOperation } from './export-records.ts'
import { type MemberOperations, memberOperations } from './member-operations.ts'
import { type PeerClock, peerClocks } from './peer-clocks.ts'
import { listPeers, type PeerReport, type PingReport, peersReady, pingPeer } from './peers.ts'
import { assertPerson } from './people.ts'
import { type SpaceOperations, spaceLifeOperations } from './space-operations.ts'
import { type QuotaOperations, quotaOperations } from './space-quota.ts'
import type { NodeStatus, PlexusNode } from './types.ts'

export interface InviteReport {
  /** A secret: whoever has it can join. */
  readonly ticket: string
  readonly space: { readonly id: SpaceId; readonly name: string }
  readonly role: Role
  readonly uses: number
  /** Milliseconds since 1970. */
  readonly expires: number
  /** Why whoever uses it elsewhere may not get here, as far as members found out, and what to do. */
  readonly unreachable?: { readonly reason: string; readonly fix: string }
}

interface InviteInput {
  /** Name or id; default: the newest shared space, or a new one. */
  readonly space?: string | undefined
  /** Default `writer`. */
  readonly role?: GrantableRole | undefined
  /** Default 1. */
  readonly uses?: number | undefined
  readonly ttlMs?: number | undefined
}

/** What a node itself can be asked to do. */
export interface NodeOperations extends MemberOperations, SpaceOperations, QuotaOperations, DeviceOperations {
  readonly 'node.status': OperationType<object, NodeStatus>
  readonly 'node.events': OperationType<
    EventFilter & { readonly limit?: number | undefined; readonly follow?: boolean | undefined },
    EventBatch | AsyncIterable<EventBatch>
  >
  readonly 'records.export': OperationType<ExportInput, AsyncIterable<ExportPart>>
  readonly 'peers.list': OperationType<
    { readonly waitFor?: number | undefined },
    { readonly peers: readonly PeerReport[] }
  >
  readonly 'peers.ping': OperationType<{ readonly peer: string; readonly count?: number | undefined }, PingReport>
  readonly 'peers.clocks': OperationType<object, { readonly clocks: readonly PeerClock[] }>
  readonly 'space.list': OperationType<object, { readonly spaces: readonly SpaceInfo[] }>
  readonly 'space.invite': OperationType<InviteInput, InviteReport>
  readonly 'space.join': OperationType<{ readonly ticket: string }, JoinReport>
}

const operation = operationOf<NodeOperations>()

/**
 * The operations of the node itself. Those that touch trust (`space.*`, `link.*`, `identity.*`) are for people: the MCP face
 * does not offer them.
 */
export function nodeOperations(node: PlexusNode, random: Random): readonly Operation[] {
  return [
    operation({
      name: 'node.status',
      summary: 'How this peer is doing, component by component',
      input: z.object({}),
      run: async () => node.status(),
    }),
    operation({
      name: 'peers.list',
      summary: 'The peers of our spaces and how each is reached',
      input: z.object({ waitFor: z.int().min(1).max(1_000).optional().describe('First wait until so many are ready') }),
      run: async ({ waitFor }, { signal }) => {
        if (waitFor !== undefined) await peersReady(node, waitFor, signal)
        return { peers: listPeers(node) }
      },
    }),
    operation({
      name: 'peers.ping',
      summary: 'Round trip to a peer over its control lane',
      input: z.object({ peer: z.string().min(1).max(64), count: z.int().min(1).max(20).default(3) }),
      run: ({ peer, count }, { signal }) => pingPeer(node, peer, count, signal),
    }),
    operation({
      name: 'peers.clocks',
      summary: 'How far the clocks of ready peers are from ours',
      input: z.object({}),
      run: async (_, { signal }) => ({ clocks: await peerClocks(node.bus, node.clock, signal) }),
    }),
    eventsOperation(node),
    exportOperation(node),
    ...spaceOperations(node),
    ...spaceLifeOperations(node, random),
    ...quotaOperations(node),
    ...memberOperations(node),
    ...deviceOperations(node),
  ]
}

function eventsOperation({ eventLog }: PlexusNode): Operation {
  return operation({
    name: 'node.events',
    summary: 'What happened here of late: events and log lines',
    input: z.object({
      component: z.string().max(64).optional(),
      kind: z.string().max(64).optional().describe('e.g. peer:ready, peer:*, log'),
      peer: z.string().min(1).max(64).optional().describe('Name, peer id, or the end of one'),
      level: z.enum(LOG_LEVELS).optional().describe('The least; info if not given, debug with a trace'),
      trace: z.hex().length(32).optional().describe('Id of a trace'),
      since: z.number().optional().describe('Milliseconds since 1970'),
      limit: z
        .int()
        .min(0)
        .max(EVENTS_KEPT + LOG_LINES_KEPT)
        .default(200),
      follow: z.boolean().default(false).describe('Go on with what comes, until cancelled'),
    }),
    run: async ({ limit, follow, ...filter }, { signal }) =>
      follow ? eventLog.follow(filter, limit, signal) : eventLog.recent(filter, limit),
  })
}

function spaceOperations(node: PlexusNode): readonly Operation[] {
  return [
    operation({
      name: 'space.list',
      summary: 'Our spaces and their members',
      input: z.object({}),
      run: async () => ({ spaces: node.spaces.list() }),
    }),
    operation({
      name: 'space.invite',
      summary: 'A one-use ticket for a new member',
      input: z.object({
        space: z.string().max(64).optional(),
        role: z.enum(['relay', 'reader', 'writer', 'admin']).default('writer'),
        uses: z.int().min(1).max(INVITE_MAX_USES).default(1),
        ttlMs: z
          .int()
          .min(1_000)
          .max(366 * 24 * 3_600_000)
          .default(INVITE_DEFAULT_TTL_MS),
      }),
      run: async ({ space, role, uses, ttlMs }, context) => {
        assertPerson(context)
        const target = await sharedSpace(node, space)
        const { ticket, invite } = await node.spaces.invite(target.id, {
          role,
          uses,
          ttlMs,
          addresses: node.transport.addresses(),
        })
        return {
          ticket,
          space: { id: target.id, name: target.name },
          role,
          uses,
          expires: invite.expires,
          ...unreachable(node),
        }
      },
    }),
    operation({
      name: 'space.join',
      summary: 'Redeem a ticket',
      input: z.object({ ticket: z.string().min(1).max(4_096) }),
      run: async ({ ticket }, context) => {
        assertPerson(context)
        const { signal, progress } = context
        let done = 0
        return await node.sync.join(ticket.trim(), {
          name: node.name,
          signal,
          onStep: (step) => progress({ done: ++done, total: 5, message: step }),
        })
      },
    }),
  ]
}

function unreachable({ reach }: PlexusNode): Pick<InviteReport, 'unreachable'> {
  const { from, relays, reason, fix } = reach.report()
  if (from !== 'nowhere' || relays.length > 0 || reason === undefined || fix === undefined) return {}
  return { unreachable: { reason, fix } }
}

/** The shared space that is wanted, by name or id; else the newest one, or a new one called "home". */
async function sharedSpace(node: PlexusNode, wanted: string | undefined): Promise<SpaceInfo> {
  const shared = node.spaces.list().filter(({ personal, self }) => !personal && self !== undefined)
  if (wanted !== undefined) return spaceCalled(shared, wanted)
  return shared.at(-1) ?? (await node.spaces.create({ name: 'home', personal: false }))
}

/** Runs an operation after checking its input against the operation's own schema. */
export async function callOperation(
  operations: ReadonlyMap<string, Operation>,
  name: string,
  input: unknown,
  context: Parameters<Operation['run']>[1],
): Promise<unknown> {
  const found = operations.get(name)
  if (found === undefined) {
    throw new NodeError('ERR_UNKNOWN_OPERATION', `no operation is called ${JSON.stringify(name)}`, {
      fix: 'The node runs without the component that offers it, or is older than its caller: then `plexus down` and `plexus up`.',
    })
  }
  const parsed = found.input.safeParse(input)
  if (!parsed.success) throw invalidInput(found, parsed.error)
  context.signal.throwIfAborted()
  return await found.run(parsed.data, context)
}

/** Which arguments are wrong and how, and which there are. */
function invalidInput({ name, input }: Operation, { issues }: z.ZodError): NodeError {
  const wrong = issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
  const known = input instanceof z.ZodObject ? Object.keys(input.shape) : []
  const fix = known.length === 0 ? {} : { fix: `${name} takes: ${known.join(', ')}.` }
  return new NodeError('ERR_INVALID_INPUT', wrong.join('; '), fix)
}
