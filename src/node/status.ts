import type { SpaceInfo } from '../space/index.ts'
import type { ComponentReport, NodeStatus, PlexusNode, SpaceReport } from './types.ts'

/** What a node knows of itself beyond its components. */
export interface NodeFacts {
  readonly version: string
  readonly startedAt: number
  readonly now: number
  readonly components: readonly ComponentReport[]
}

/** The whole status of a node: as bad as its worst component, with that component's reason and fix. */
export function nodeStatus(node: Omit<PlexusNode, 'status'>, facts: NodeFacts): NodeStatus {
  const { components, now, startedAt, version } = facts
  const worst =
    components.find((component) => component.state === 'failed') ??
    components.find((component) => component.state !== 'ok')
  const ready = node.bus.presence().filter((presence) => presence.state === 'ready').length
  return {
    state: worst === undefined ? 'ok' : worst.state === 'failed' ? 'failed' : 'degraded',
    ...(worst === undefined
      ? {}
      : {
          reason: `${worst.name}: ${worst.reason ?? worst.state}`,
          fix: worst.fix ?? 'See what `plexus doctor` says.',
        }),
    since: worst?.since ?? startedAt,
    name: node.name,
    peer: node.peer,
    version,
    uptimeMs: now - startedAt,
    addresses: node.transport.addresses(),
    reach: node.reach.report(),
    peers: { ready, known: node.spaces.peers().size },
    records: node.journal.figures().records ?? 0,
    spaces: spaceReports(node),
    components,
  }
}

function spaceReports(node: Omit<PlexusNode, 'status'>): readonly SpaceReport[] {
  const progress = new Map(node.sync.progress().map((entry) => [entry.space, entry]))
  return node.spaces.list().map((space) => {
    const entry = progress.get(space.id)
    const usage = node.journal.usage(space.id)
    return {
      id: space.id,
      name: space.name,
      personal: space.personal,
      role: space.self?.role,
      members: space.members.length,
      ...formerly(node, space),
      bytes: usage.bytes,
      quotaBytes: usage.quota.bytes,
      progress: { behind: entry?.behind ?? 0, inStepWith: entry?.inStepWith ?? [], parked: entry?.parked ?? 0 },
    }
  })
}

function formerly(
  { spaces, peer }: Omit<PlexusNode, 'status'>,
  { id, self, members }: SpaceInfo,
): Pick<SpaceReport, 'former'> {
  const former = spaces.former(id)
  const own = self === undefined ? former.find((one) => one.peer === peer) : undefined
  if (own === undefined) return {}
  const by = [...members, ...former].find((one) => one.peer === own.removedBy)
  return { former: { reason: own.reason, removedByName: by?.name ?? 'the recovery key', at: own.at } }
}
