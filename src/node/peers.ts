import { type PeerId, quotedLine, shortPeerId, withDeadline } from '../base/index.ts'
import type { PeerPresence } from '../bus/index.ts'
import type { LinkKind } from '../network/index.ts'
import { NodeError } from './errors.ts'
import type { PlexusNode } from './types.ts'

const PEERS_WAIT_TIMEOUT_MS = 30_000

/** One line of `plexus peers`: what the bus sees, joined with what the spaces know. */
export interface PeerReport extends Omit<PeerPresence, 'link'> {
  /** `direct`, or `relayed`: through a relay of bytes, or through a member who passes messages on. */
  readonly kind: LinkKind | undefined
  readonly encryption: string | undefined
  readonly address: string | undefined
  /** The peer that relays, when the kind of link is `relayed`; `reason` says why. */
  readonly via: PeerId | undefined
  readonly spaces: readonly { readonly name: string; readonly role: string }[]
}

/** What `peers.ping` measured. */
export interface PingReport extends Pick<PeerReport, 'peer' | 'name' | 'kind' | 'address'> {
  /** In the order in which they were sent. */
  readonly rttsMs: readonly number[]
  readonly minMs: number | undefined
  readonly medianMs: number | undefined
}

/** Waits until `wanted` peers are ready, or says how many are. */
export async function peersReady(node: PlexusNode, wanted: number, signal: AbortSignal): Promise<void> {
  const ready = (): number => node.bus.presence().filter((presence) => presence.state === 'ready').length
  const stop = new AbortController()
  const enough = async (): Promise<void> => {
    while (ready() < wanted) await node.bus.events.next('peer:ready', { signal: stop.signal })
  }
  try {
    await withDeadline(enough(), {
      clock: node.clock,
      timeoutMs: PEERS_WAIT_TIMEOUT_MS,
      what: `waiting for ${wanted} ready peers (now ${ready()})`,
      signal,
    })
  } finally {
    // Whatever ended it: nothing listens any more.
    stop.abort(new NodeError('ERR_STOPPING', 'no longer waited for'))
  }
}

export function listPeers(node: PlexusNode, uptimeMs: number = node.status().uptimeMs): readonly PeerReport[] {
  const seen = new Map(node.bus.presence().map((presence) => [presence.peer, presence]))
  const startedAt = node.clock.now() - uptimeMs
  const ours = node.spaces.list().filter(({ self }) => self !== undefined)
  return [...node.spaces.peers()].sort().map((peer) => {
    const memberships = ours.flatMap((space) => {
      const member = space.members.find((candidate) => candidate.peer === peer)
      return member === undefined ? [] : [{ space: space.name, member }]
    })
    const { link, ...presence } = seen.get(peer) ?? absent(peer, startedAt)
    const isRelayed = presence.state === 'ready' && link?.kind === 'relayed'
    const isPassedOn = presence.via !== undefined
    return {
      ...presence,
      name: memberships[0]?.member.name ?? presence.name,
      kind: isPassedOn ? 'relayed' : link?.kind,
      via: presence.via ?? link?.via,
      encryption: link?.encryption,
      address: link?.address,
      reason: presence.reason ?? (isRelayed ? node.reach.whyRelayed(peer) : undefined) ?? link?.reason,
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
    via: undefined,
    rttMs: undefined,
    reason: 'never reached since this peer started',
    since,
    fix: 'Start Plexus on that machine, and check that one of the two can reach the other.',
  }
}

/** A peer by its id, the end of its id, or its name among our members. */
function findPeer(node: PlexusNode, text: string): PeerReport {
  const peers = listPeers(node)
  const exact = peers.filter((peer) => peer.peer === text || peer.name === text)
  const matches = exact.length > 0 ? exact : peers.filter((peer) => text.length >= 4 && peer.peer.endsWith(text))
  const [only] = matches
  if (only !== undefined && matches.length === 1) return only
  const known = peers
    .map((peer) => (peer.name === undefined ? shortPeerId(peer.peer) : quotedLine(peer.name)))
    .join(', ')
  const who = matches.length > 1 ? 'several peers are' : 'no member is'
  throw new NodeError('ERR_NOT_FOUND', `${who} called ${JSON.stringify(text)}`, {
    fix:
      known === '' ? 'Invite somebody first with `plexus invite`.' : `Use one of: ${known}; or the end of a peer id.`,
  })
}

export async function pingPeer(
  node: PlexusNode,
  text: string,
  count: number,
  signal: AbortSignal,
): Promise<PingReport> {
  const { peer, name, kind, address } = findPeer(node, text)
  const rttsMs: number[] = []
  for (let sent = 0; sent < count; sent++) rttsMs.push(await node.bus.ping(peer, { signal }))
  const sorted = rttsMs.toSorted((a, b) => a - b)
  return { peer, name, kind, address, rttsMs, minMs: sorted[0], medianMs: sorted[Math.floor(sorted.length / 2)] }
}
