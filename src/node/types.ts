import type {
  Clock,
  ComponentStatus,
  Logger,
  Operation,
  OperationContext,
  PeerId,
  PlexusError,
  Random,
  SpaceId,
  StartOptions,
} from '../base/index.ts'
import type { Bus, Handlers } from '../bus/index.ts'
import type { CognitionOperations } from '../cognition/index.ts'
import type { Identity, KeyFile } from '../identity/index.ts'
import type { Transport } from '../network/index.ts'
import type { Journal, View } from '../records/index.ts'
import type { ResearchOperations } from '../research/index.ts'
import type { FormerMember, Role, Spaces } from '../space/index.ts'
import type { Database, OpenDatabaseInit, Searcher } from '../store/index.ts'
import type { Linking, SpaceProgress, Standing, Sync } from '../sync/index.ts'
import type { Settings } from './address-book.ts'
import type { EventLog } from './event-log/event-log.ts'
import type { ContentDiscovery } from './member-discovery.ts'
import type { NodeOperations } from './operations.ts'
import type { NodeReach, ReachReport } from './reach.ts'

/**
 * Something that is plugged into a node. Only the name is needed; a `Component` of base is one. The node starts it once all that
 * is below it runs, wires its handlers, offers its operations, shows its status, and, after a failure, takes all of this away
 * until it has started again (docs/components.md).
 */
export interface NodeComponent {
  /** Of its own among the components of a node. */
  readonly name: string
  readonly operations?: readonly Operation[]
  readonly handlers?: Handlers
  /** May be called again after `stop`. A rejection, or 10 s without an end, is a failure. */
  start?(options: StartOptions): void | Promise<void>
  /** Also called after a start that failed. */
  stop?(): void | Promise<void>
  /** Default: `ok` since the start. Whoever says `failed` is stopped and started again. Asked every 10 s: must be cheap. */
  status?(): Partial<ComponentStatus>
}

/** A component that folds records into views of its own: they are registered before anything is ingested. */
export interface Domain extends NodeComponent {
  readonly views: readonly View[]
}

/** What a domain is made with: everything below it, ready to use once `start` is called. */
export interface DomainComponents {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly identity: Identity
  readonly journal: Journal
  readonly spaces: Spaces
  readonly bus: Bus
  readonly sync: Sync
  readonly searcher: Searcher
}

export type DomainFactory = (components: DomainComponents) => Domain

/** What stands on the domains is made with the node itself, which is ready to use once `start` is called. */
export type ComponentFactory = (node: PlexusNode) => NodeComponent

/** Makes the transport under a node; the node starts it. */
export type NetworkFactory = (components: {
  readonly identity: Identity
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}) => Transport | Promise<Transport>

/** One component of a running node, in layer order. */
export interface ComponentReport extends ComponentStatus {
  readonly name: string
  /** How often it was started again after a failure. */
  readonly restarts: number
}

export interface SpaceReport {
  readonly id: SpaceId
  readonly name: string
  readonly personal: boolean
  readonly role: Role | undefined
  readonly members: number
  /** How this device ceased to be a member; what it has of the space stays readable. */
  readonly former?: { readonly reason: FormerMember['reason']; readonly removedByName: string; readonly at: number }
  readonly progress: Omit<SpaceProgress, 'space'>
  /** Of its records here. */
  readonly bytes: number
  /** 0 for no bound. */
  readonly quotaBytes: number
}

/** The whole of `plexus status --json`. */
export interface NodeStatus {
  readonly state: 'ok' | 'degraded' | 'failed'
  readonly reason?: string
  readonly since: number
  readonly fix?: string
  readonly name: string
  readonly peer: PeerId
  readonly version: string
  readonly uptimeMs: number
  readonly addresses: readonly string[]
  readonly reach: ReachReport
  readonly peers: { readonly ready: number; readonly known: number }
  readonly records: number
  readonly spaces: readonly SpaceReport[]
  readonly components: readonly ComponentReport[]
}

export interface NodeInit {
  /** The profile folder; created with mode 0700 when absent. */
  readonly folder: string
  /** How this peer calls itself, at most 64 characters; remembered. Default: the remembered name, else `defaultName`. */
  readonly name?: string | undefined
  readonly defaultName?: string | undefined
  /** Shown by `status`. */
  readonly version?: string | undefined
  /**
   * What carries the bytes. Default: libp2p, as `listen` and `mdns` say. `false`: nothing does; no socket is opened, all that is
   * local works, and whoever is dialled is unreachable.
   */
  readonly network?: false | NetworkFactory | undefined
  /** Multiaddr strings to listen on; remembered. Default: those of last time, at first every interface; a free port is kept. */
  readonly listen?: readonly string[] | undefined
  /** Find peers on the local network; remembered. Default: as last time, at first true. */
  readonly mdns?: boolean | undefined
  /**
   * Peers of a directory, outside of any space, in which members find each other again: multiaddrs with the peer id at the end;
   * remembered. Default: those of last time, at first none; without any, no third party is contacted.
   */
  readonly bootstrap?: readonly string[] | undefined
  /** Be a peer of that directory for others; remembered. For peers that anyone can reach. Default: as last time, at first false. */
  readonly discoveryServer?: boolean | undefined
  /**
   * Topics `open/...` that anybody may listen to and speak on, members or not (docs/specs/open-topics.md): exactly these. Other
   * peers that carry them must be linked, e.g. the bootstrap peers. Default: none, and nothing of it is loaded.
   */
  readonly openTopics?: readonly string[] | undefined
  /** Relay for members that cannot reach each other; remembered. Default: as last time, at first not. */
  readonly relay?: boolean | undefined
  /** Opens the store in the folder, e.g. to watch what is written. Default: `openDatabase`. */
  readonly openStore?: ((init: OpenDatabaseInit) => Database) | undefined
  /** Default: cognition and research. */
  readonly domains?: readonly DomainFactory[] | undefined
  /** Started after the domains, in this order, and stopped before them. */
  readonly components?: readonly ComponentFactory[] | undefined
  readonly log?: Logger | undefined
  /**
   * Whether searches run in a thread of their own, so that none holds up the rest. Default: yes, unless there is a `clock` or
   * an `openStore`: a thread keeps to neither.
   */
  readonly searchThread?: boolean | undefined
  readonly clock?: Clock | undefined
  readonly random?: Random | undefined
}

/** The operations of a node with the default domains. */
export interface Operations extends NodeOperations, CognitionOperations, ResearchOperations {}

type InputOf<Name> = Name extends keyof Operations ? Operations[Name]['input'] : unknown
type OutputOf<Name> = Name extends keyof Operations ? Operations[Name]['output'] : unknown

/** A running peer. */
export interface PlexusNode extends AsyncDisposable {
  readonly name: string
  /** What was done differently from what was asked for, e.g. another port: one sentence each. */
  readonly notes: readonly string[]
  readonly peer: PeerId
  readonly bus: Bus
  readonly journal: Journal
  readonly spaces: Spaces
  readonly sync: Sync
  readonly transport: Transport
  /** Finds who holds a content of a space; there if the node takes part in a directory. */
  readonly discovery: ContentDiscovery | undefined
  readonly reach: Pick<NodeReach, 'report' | 'whyRelayed'>
  /** A second device for the same person. */
  readonly linking: Linking
  /** What those who differ about who is a member tell each other. */
  readonly standing: Standing
  /** The keys of this device; a rotation gives it others, with which the node has to begin anew. */
  readonly keys: KeyFile
  readonly clock: Clock
  /** For the faces: what they want to find again after a restart. */
  readonly settings: Settings
  /** What happened here of late. */
  readonly eventLog: EventLog
  /** For components. */
  readonly log: Logger
  readonly operations: ReadonlyMap<string, Operation>
  /**
   * Checks `input` against the operation's schema and runs it. Rejects with `NodeError` or the operation's own error. Types are
   * known of the operations of Plexus itself.
   */
  call<Name extends keyof Operations | (string & {})>(
    name: Name,
    input: InputOf<Name>,
    context?: Partial<OperationContext>,
  ): Promise<OutputOf<Name>>
  status(): NodeStatus
  /** Stops in reverse layer order; each component has a deadline; failures are logged and the rest goes on. */
  stop(): Promise<void>
  /** Settles when the node has stopped, with the error that stopped it, if one did. */
  readonly stopped: Promise<PlexusError | undefined>
}
