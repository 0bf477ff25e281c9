import { z } from 'zod'
import { type Operation, operation, type PeerId, plainLine, withDeadline } from '../base/index.ts'
import type { PeerPresence } from '../bus/index.ts'
import { INVITE_DEFAULT_TTL_MS, INVITE_MAX_USES, type SpaceInfo, spaceCalled } from '../space/index.ts'
import { NodeError } from './errors.ts'
import type { PlexusNode } from './types.ts'

/** One line of `plexus peers`: what the bus sees, joined with what the spaces know. */
export interface PeerReport extends Omit<PeerPresence, 'link'> {
  readonly kind: string | undefined
  readonly encryption: string | undefined
  readonly address: string | undefined
  readonly spaces: readonly { readonly name: string; readonly role: string }[]
}

/**
 * The operations of the node itself. Those that touch trust or the process (`space.*` that change something, `node.stop`)
 * are for people: the MCP face does not offer them.
 */
export function nodeOperations(node: PlexusNode): readonly Operation[] {
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
      name: 'node.check-store',
      summary: 'Checks every page of the store',
      input: z.object({}),
      run: async () => checkStore(node),
    }),
    ...spaceOperations(node),
  ]
}

/** SQLite's own structural check; reads the whole file. */
function checkStore({ journal }: PlexusNode): { readonly integrity: string; readonly bytes: number } {
  const { database } = journal
  const integrity = database.prepare('PRAGMA quick_check(1)').get()?.quick_check
  const pages = Number(database.prepare('PRAGMA page_count').get()?.page_count)
  const pageBytes = Number(database.prepare('PRAGMA page_size').get()?.page_size)
  return { integrity: String(integrity), bytes: pages * pageBytes }
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
        role: z.enum(['reader', 'writer', 'admin']).default('writer'),
        uses: z.int().min(1).max(INVITE_MAX_USES).default(1),
        ttlMs: z
          .int()
          .min(1_000)
          .max(366 * 24 * 3_600_000)
          .default(INVITE_DEFAULT_TTL_MS),
      }),
      run: async ({ space, role, uses, ttlMs }) => {
        const target = await sharedSpace(node, space)
        const { ticket, invite } = await node.spaces.invite(target.id, {
          role,
          uses,
          ttlMs,
          addresses: node.transport.addresses(),
        })
        return { ticket, space: { id: target.id, name: target.name }, role, uses, expires: invite.expires }
      },
    }),
    operation({
      name: 'space.join',
      summary: 'Redeem a ticket',
      input: z.object({ ticket: z.string().min(1).max(4_096) }),
      run: ({ ticket }, { signal, progress }) => {
        let done = 0
        return node.sync.join(ticket.trim(), {
          name: node.name,
          signal,
          onStep: (step) => progress({ done: ++done, total: 5, message: step }),
        })
      },
    }),
  ]
}

export const PEERS_WAIT_TIMEOUT_MS = 30_000

/** Waits until `wanted` peers are ready, or says how many are. */
async function peersReady(node: PlexusNode, wanted: number, signal: AbortSignal): Promise<void> {
  const ready = (): number => node.bus.presence().filter((presence) => presence.state === 'ready').length
  const enough = async (): Promise<void> => {
    while (ready() < wanted) await node.bus.events.next('peer:ready', { signal: stop.signal })
  }
  using stop = linkedAbort(signal)
  await withDeadline(enough(), {
    clock: node.clock,
    timeoutMs: PEERS_WAIT_TIMEOUT_MS,
    what: `waiting for ${wanted} ready peers (now ${ready()})`,
    signal,
  })
}

/** An abort controller that also aborts with `signal`, and when it is disposed. */
function linkedAbort(signal: AbortSignal): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      signal.removeEventListener('abort', onAbort)
      controller.abort(new NodeError('ERR_STOPPING', 'no longer waited for'))
    },
  }
}

export function listPeers(node: PlexusNode): readonly PeerReport[] {
  const seen = new Map(node.bus.presence().map((presence) => [presence.peer, presence]))
  const shared = node.spaces.list().filter((space) => !space.personal)
  return [...node.spaces.peers()].sort().map((peer) => {
    const memberships = shared.flatMap((space) => {
      const member = space.members.find((candidate) => candidate.peer === peer)
      return member === undefined ? [] : [{ space: space.name, member }]
    })
    const { link, ...presence } = seen.get(peer) ?? absent(peer, node.status().since)
    return {
      ...presence,
      name: memberships[0]?.member.name ?? presence.name,
      kind: link?.kind,
      encryption: link?.encryption,
      address: link?.address,
      spaces: memberships.map(({ space, member }) => ({ name: space, role: member.role })),
    }
  })
}

function absent(peer: PeerId, since: number): PeerPresence {
  return {
    peer,
    state: 'offline',
    name: undefined,
    link: undefined,
    rttMs: undefined,
    reason: 'never reached since this daemon started',
    since,
    fix: 'Start Plexus on that machine, and check that one of the two can reach the other.',
  }
}

/** A peer by its id, the end of its id, or its name among our members. */
export function findPeer(node: PlexusNode, text: string): PeerReport {
  const peers = listPeers(node)
  const exact = peers.filter((peer) => peer.peer === text || peer.name === text)
  const matches = exact.length > 0 ? exact : peers.filter((peer) => text.length >= 4 && peer.peer.endsWith(text))
  const [only] = matches
  if (only !== undefined && matches.length === 1) return only
  const known = peers.map((peer) => (peer.name === undefined ? peer.peer.slice(-8) : told(peer.name))).join(', ')
  throw new NodeError(
    'ERR_NOT_FOUND',
    matches.length > 1
      ? `several peers are called ${JSON.stringify(text)}`
      : `no member is called ${JSON.stringify(text)}`,
    {
      fix:
        known === '' ? 'Invite somebody first with `plexus invite`.' : `Use one of: ${known}; or the end of a peer id.`,
    },
  )
}

/** The name of another peer among our own words. */
function told(name: string): string {
  return JSON.stringify(plainLine(name, 64))
}

async function pingPeer(node: PlexusNode, text: string, count: number, signal: AbortSignal): Promise<unknown> {
  const { peer, name, kind, address } = findPeer(node, text)
  const rttsMs: number[] = []
  for (let sent = 0; sent < count; sent++) rttsMs.push(await node.bus.ping(peer, { signal }))
  const sorted = rttsMs.toSorted((a, b) => a - b)
  return { peer, name, kind, address, rttsMs, minMs: sorted[0], medianMs: sorted[Math.floor(sorted.length / 2)] }
}

/** The shared space that is wanted, by name or id; else the newest one, or a new one called "home". */
async function sharedSpace(node: PlexusNode, wanted: string | undefined): Promise<SpaceInfo> {
  const shared = node.spaces.list().filter((space) => !space.personal)
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
      fix: 'The daemon may be older than this command: restart it with `plexus down` and `plexus up`.',
    })
  }
  const parsed = found.input.safeParse(input)
  if (!parsed.success) {
    throw invalidInput(found, parsed.error)
  }
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
