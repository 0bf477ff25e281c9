import { type Logger, type Operation, type OperationContext, silentLogger } from '../base/index.ts'
import { type Bus, createBus } from '../bus/index.ts'
import { cognition } from '../cognition/index.ts'
import { type ConnectionKeeper, connectionKeeper, type Transport } from '../network/index.ts'
import type { Journal } from '../records/index.ts'
import { research } from '../research/index.ts'
import { KeyRenewal, type Spaces } from '../space/index.ts'
import { StoreError } from '../store/index.ts'
import { createStanding, createSync, type Linking, type Standing, type Sync } from '../sync/index.ts'
import { fileMark } from './adapters/file-mark.ts'
import { admissionOf } from './admission.ts'
import { ClockWatch } from './clock-watch.ts'
import { chosenDirectory } from './directory.ts'
import { Doorkeeper } from './doorkeeper.ts'
import { durablePillar } from './durable-pillar.ts'
import { NodeError } from './errors.ts'
import { watchNode } from './event-log/watch-node.ts'
import { Expiry } from './expiry.ts'
import { type Ground, openGround, repairIfMarked, withKeysInPlace } from './ground.ts'
import { introduce } from './introductions.ts'
import { settleLinking } from './key-change.ts'
import { Lifetime } from './lifetime.ts'
import { nodeLinking } from './linking.ts'
import { openNetwork } from './listening.ts'
import { MemberDiscovery } from './member-discovery.ts'
import { chosenOpenTopics } from './open-topics.ts'
import { callOperation, nodeOperations } from './operations.ts'
import { answerClock } from './peer-clocks.ts'
import { NodeReach } from './reach.ts'
import { repairMark } from './repair/adapters/repair-mark.ts'
import { Scrub } from './scrub.ts'
import { recallQuotas, roomTrouble } from './space-quota.ts'
import { nodeStatus } from './status.ts'
import { StoreWatch } from './store-watch.ts'
import type { Cause, Supervised } from './supervised.ts'
import { Supervisor } from './supervisor.ts'
import { traced } from './traced.ts'
import type { DomainFactory, NodeComponent, NodeInit, PlexusNode } from './types.ts'

const DEFAULT_DOMAINS: readonly DomainFactory[] = [cognition(), research()]
const PERSONAL_SPACE_NAME = 'private'

/** Everything below the domains. */
interface Layers {
  readonly spaces: Spaces
  readonly journal: Journal
  readonly transport: Transport
  readonly discovery: MemberDiscovery | undefined
  readonly notes: readonly string[]
  readonly keeper: ConnectionKeeper
  readonly reach: NodeReach
  readonly bus: Bus
  readonly sync: Sync
  readonly linking: Linking
  readonly standing: Standing
}

/**
 * Makes and starts a whole peer: identity, store, network, records, spaces, bus, sync, the chosen domains and components, in
 * layer order. Rejects when the ground is missing (key, store, listening address); a domain or component that fails is
 * reported in `status` and tried again.
 */
export async function createNode(init: NodeInit): Promise<PlexusNode> {
  const life = new Lifetime(init.log ?? silentLogger())
  try {
    const repaired = await repairIfMarked(init)
    return await assemble(init, await withKeysInPlace(openGround(init, life, repaired), init), life)
  } catch (error) {
    await life.end()
    // Tables that contradict each other show only when they are read.
    if (error instanceof StoreError && error.code === 'ERR_STORE_CORRUPT') repairMark(init.folder).set(error.message)
    throw error
  }
}

/** Builds the layers on the ground and starts them. */
async function assemble(init: NodeInit, ground: Ground, life: Lifetime): Promise<PlexusNode> {
  const { clock, random, log, eventLog, addresses, identity, keys, searcher } = ground
  const onLost = (component: string, { reason, fix }: Cause): void =>
    void life.end(new NodeError('ERR_COMPONENT_LOST', `${component}: ${reason}`, { fix }))
  const supervisor = new Supervisor({ onLost }, { clock, random, log: log.child({ module: 'node' }) })
  life.resources.defer(() => supervisor.stop())
  const layers = await buildLayers(init, ground, supervisor)
  const { transport, keeper, reach, journal, spaces, bus, sync, linking, standing } = layers
  const below = { clock, random, log: log.child({ module: 'domain' }), identity, journal, spaces, bus, sync, searcher }
  const domains = (init.domains ?? DEFAULT_DOMAINS).map((domain) => domain(below))
  for (const view of domains.flatMap((domain) => domain.views)) journal.register(view)
  recallQuotas(addresses, journal)
  spaces.load()
  settleLinking(keys, spaces)
  if (!spaces.list().some(({ personal, self }) => personal && self !== undefined))
    await spaces.create({ name: PERSONAL_SPACE_NAME, personal: true })

  const parts = { network: transport, keeper, bus, spaces, sync, linking, standing }
  life.resources.use(eventLog)
  life.resources.use(answerClock(bus, clock))
  life.resources.use(watchNode(eventLog, { clock, journal, spaces, parts, components: () => supervisor.reports() }))
  life.resources.use(introduce({ spaces, bus, sync, linking, keeper, addresses, reach }))

  const operations = new Map<string, Operation>()
  const node = nodeOf(init, ground, layers, { life, supervisor, operations })
  addOperations(operations, nodeOperations(node, random))
  const optional: readonly NodeComponent[] = [
    new ClockWatch({ journal, clock, self: node.peer }),
    new KeyRenewal({ spaces, clock, random, log: log.child({ module: 'keys' }) }),
    new Scrub({ journal, sync, spaces, clock, random, log: log.child({ module: 'scrub' }) }),
    new Expiry({ journal, clock, random, log: log.child({ module: 'expiry' }) }),
    ...domains,
    ...(init.components ?? []).map((component) => component(node)),
  ]
  for (const component of optional) {
    const owner = supervisor.add({ component, optional: true, bus })
    addOperations(operations, component.operations ?? [], owner)
  }
  await supervisor.start()
  eventLog.note('node', 'node:started', { peer: node.peer, version: init.version })
  return node
}

/** What is below the domains, in this order under the supervisor; only the network runs when it resolves. */
async function buildLayers(init: NodeInit, ground: Ground, supervisor: Supervisor): Promise<Layers> {
  const { clock, random, log, addresses, identity, signatures, name } = ground
  const of = (module: string): Logger => log.child({ module })
  const { spaces, journal } = durablePillar(ground.name, ground)
  // Both are parts of libp2p, which the caller may have replaced.
  const { network } = init
  const directory =
    network === undefined
      ? chosenDirectory(init, { clock, random, log: of('discovery'), settings: addresses })
      : undefined
  const openTopics = network === undefined ? chosenOpenTopics(init.openTopics ?? [], { clock }) : undefined
  const extras = [directory, openTopics].filter((extra) => extra !== undefined)
  const { transport, note } = await openNetwork(init, {
    identity,
    clock,
    random,
    log: of('network'),
    addresses,
    extras,
  })
  const storeWatch = new StoreWatch(
    {
      files: ground.files,
      markOf: fileMark,
      damage: ground.damage,
      trouble: () => roomTrouble(journal, spaces),
    },
    { journal, searcher: ground.searcher, clock },
  )
  for (const component of [storeWatch, transport]) supervisor.add({ component, optional: false })
  await supervisor.start()

  const door = new Doorkeeper({
    transport,
    isMember: (peer) => spaces.peers().has(peer) || linking.isGuest(peer),
    strangersStay: openTopics !== undefined,
    clock,
    log: of('network'),
  })
  const keeper = connectionKeeper()({ transport, clock, random, log: of('network') })
  const reach = new NodeReach(
    { relay: init.relay },
    { transport, keeper, spaces, addresses, clock, random, log: of('network') },
  )
  const bus = createBus({ name })({
    transport,
    admission: admissionOf(spaces),
    signer: identity.device,
    verifier: signatures,
    ...(openTopics === undefined ? {} : { openTopics }),
    clock,
    random,
    log: of('bus'),
  })
  const addressesOf = addresses.addressesOf
  const linking = nodeLinking({
    transport,
    journal,
    spaces,
    bus,
    keys: ground.keys,
    verifier: signatures,
    clock,
    random,
    log: of('network'),
    addressesOf,
    settings: addresses,
  })
  const sync = createSync()({ transport, bus, journal, spaces, clock, random, log: of('sync'), addressesOf })
  for (const component of [door, keeper]) supervisor.add({ component, optional: false })
  for (const component of reach.components) supervisor.add({ component, optional: true })
  for (const component of [bus, sync]) supervisor.add({ component, optional: false })
  const standing = createStanding()({ transport, bus, journal, spaces, verifier: signatures, clock, log: of('sync') })
  for (const component of [linking, standing]) supervisor.add({ component, optional: true })
  const discovery =
    directory === undefined
      ? undefined
      : new MemberDiscovery({ discovery: directory, spaces, keeper, transport, clock, random, log: of('discovery') })
  if (discovery !== undefined) supervisor.add({ component: discovery, optional: true })
  return {
    spaces,
    journal,
    transport,
    discovery,
    notes: [ground.repaired, note].filter((each) => each !== undefined),
    keeper,
    reach,
    bus,
    sync,
    linking,
    standing,
  }
}

function nodeOf(
  init: NodeInit,
  { clock, random, log, identity, keys, name, addresses, eventLog }: Ground,
  { bus, journal, spaces, sync, linking, standing, transport, discovery, reach, notes }: Layers,
  of: { readonly life: Lifetime; readonly supervisor: Supervisor; readonly operations: ReadonlyMap<string, Operation> },
): PlexusNode {
  const { life, supervisor, operations } = of
  const calls = { clock, random, log: log.child({ module: 'calls' }) }
  const startedAt = clock.now()
  const version = init.version ?? '0'
  const node: PlexusNode = {
    name,
    peer: identity.device.peer,
    notes,
    bus,
    journal,
    spaces,
    sync,
    transport,
    discovery,
    reach,
    linking,
    standing,
    keys,
    clock,
    log: log.child({ module: 'component' }),
    settings: addresses,
    eventLog,
    operations,
    call: async (operation, input, context = {}) => {
      if (life.isEnding) throw new NodeError('ERR_STOPPING', 'this peer is stopping')
      const result = await traced(calls, operation, fullContext(context), (traced) =>
        callOperation(operations, operation, input, traced),
      )
      // Each operation was held to its row of the table when it was defined.
      return result as never
    },
    status: () => nodeStatus(node, { version, startedAt, now: clock.now(), components: supervisor.reports() }),
    stop: () => life.end(),
    stopped: life.ended,
    [Symbol.asyncDispose]: () => life.end(),
  }
  return node
}

/** Those of a component are refused while it does not run. */
function addOperations(all: Map<string, Operation>, added: readonly Operation[], owner?: Supervised): void {
  for (const operation of added) {
    if (all.has(operation.name)) {
      throw new NodeError('ERR_COMPONENT_INVALID', `two operations are called ${operation.name}`, {
        fix: 'Name those of a component after the component.',
      })
    }
    all.set(operation.name, owner === undefined ? operation : owned(operation, owner))
  }
}

function owned(operation: Operation, owner: Supervised): Operation {
  const run: Operation['run'] = async (input, context) => {
    owner.assertUp()
    return await operation.run(input, context)
  }
  return { ...operation, run }
}

function fullContext(context: Partial<OperationContext>): OperationContext {
  return {
    caller: context.caller ?? { kind: 'person', client: 'library' },
    signal: context.signal ?? new AbortController().signal,
    trace: context.trace,
    progress: context.progress ?? (() => undefined),
  }
}
