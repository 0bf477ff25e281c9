import { join } from 'node:path'
import {
  type Clock,
  type Component,
  type Logger,
  type Operation,
  type OperationContext,
  type PlexusError,
  type Random,
  silentLogger,
  systemClock,
  systemRandom,
} from '../base/index.ts'
import { createBus } from '../bus/index.ts'
import { cognition } from '../cognition/index.ts'
import { type Identity, loadOrCreateIdentity, verifier } from '../identity/index.ts'
import { connectionKeeper } from '../network/index.ts'
import { createJournal, endOfTurn, recordsSchema } from '../records/index.ts'
import { research } from '../research/index.ts'
import { createSpaces } from '../space/index.ts'
import { acquireOwnerLock, type Database, openDatabase } from '../store/index.ts'
import { createSync } from '../sync/index.ts'
import { type AddressBook, addressBook, addressBookSchema } from './address-book.ts'
import { admissionOf } from './admission.ts'
import { ClockWatch } from './clock-watch.ts'
import { Doorkeeper } from './doorkeeper.ts'
import { NodeError } from './errors.ts'
import { EventLog } from './event-log/event-log.ts'
import { watchNode } from './event-log/watch-node.ts'
import { Expiry } from './expiry.ts'
import { introduce } from './introductions.ts'
import { startListening } from './listening.ts'
import { callOperation, nodeOperations } from './operations.ts'
import { Startup } from './startup.ts'
import { nodeStatus } from './status.ts'
import { traced } from './traced.ts'
import type { Domain, DomainFactory, NodeInit, PlexusNode } from './types.ts'

export const NAME_MAX_CHARS = 64
const DEFAULT_DOMAINS: readonly DomainFactory[] = [cognition(), research()]
const PERSONAL_SPACE_NAME = 'private'

/** What every layer is made with. */
interface Ground {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly eventLog: EventLog
  readonly database: Database
  readonly addresses: AddressBook
  readonly identity: Identity
  readonly name: string
}

/**
 * Makes and starts a whole peer: identity, store, network, records, spaces, bus, sync and the chosen domains, in layer
 * order. Rejects when the ground is missing (key, store, listening address); a domain that fails is reported in `status`.
 */
export async function createNode(init: NodeInit): Promise<PlexusNode> {
  const clock = init.clock ?? systemClock()
  const random = init.random ?? systemRandom()
  const eventLog = new EventLog({ clock })
  const log = eventLog.logger(init.log ?? silentLogger())
  const asked = (init.name ?? init.defaultName ?? 'peer').slice(0, NAME_MAX_CHARS)
  // The identity comes first: it makes the folder, private to its owner, that everything else lies in.
  const identity = loadOrCreateIdentity({ folder: init.folder, random, name: asked })
  await using cleanup = new AsyncDisposableStack()
  cleanup.use(acquireOwnerLock({ path: join(init.folder, 'owner.lock') }))
  const path = join(init.folder, 'plexus.db')
  const database = cleanup.use(
    openDatabase({ path, schemas: [recordsSchema, addressBookSchema], appVersion: init.version ?? '0' }),
  )
  const addresses = addressBook({ database, clock })
  const name = init.name === undefined ? (addresses.setting('name') ?? asked) : asked
  addresses.keepSetting('name', name)
  return await assemble(init, { clock, random, log, eventLog, database, addresses, identity, name }, cleanup)
}

/** Builds the layers on the ground and starts them. `cleanup` is taken over once everything runs. */
async function assemble(init: NodeInit, ground: Ground, cleanup: AsyncDisposableStack): Promise<PlexusNode> {
  const { clock, random, log, eventLog, database, addresses, identity, name } = ground
  const of = (module: string): Logger => log.child({ module })
  const signatures = verifier()
  const spaces = createSpaces({ name })({ identity, verifier: signatures, clock, random, log: of('space') })
  const journal = createJournal({ endOfTurn })({
    database,
    signer: identity.device,
    verifier: signatures,
    authority: spaces,
    clock,
    random,
    log: of('records'),
  })
  spaces.attach(journal)

  const { deviceSeed, listen, mdns } = { deviceSeed: identity.exportDeviceSeed(), listen: init.listen, mdns: init.mdns }
  const startup = new Startup({ clock, log: of('node') })
  cleanup.defer(() => startup.stop())
  const { transport, note } = await startListening(
    { deviceSeed, listen, mdns },
    { clock, log: of('network'), addresses },
  )
  await startup.start(transport, { optional: false })
  const keeper = connectionKeeper()({ transport, clock, random, log: of('network') })
  const bus = createBus({ name })({ transport, admission: admissionOf(spaces), clock, random, log: of('bus') })
  const sync = createSync()({
    transport,
    bus,
    journal,
    spaces,
    clock,
    random,
    log: of('sync'),
    addressesOf: (peer) => addresses.addressesOf(peer),
  })

  const components = { clock, random, log: of('domain'), identity, journal, spaces, bus, sync }
  const domains: readonly Domain[] = (init.domains ?? DEFAULT_DOMAINS).map((domain) => domain(components))
  for (const view of domains.flatMap((domain) => domain.views)) journal.register(view)
  spaces.load()
  if (!spaces.list().some((space) => space.personal)) await spaces.create({ name: PERSONAL_SPACE_NAME, personal: true })

  const parts = { network: transport, keeper, bus, spaces, sync }
  cleanup.use(eventLog)
  cleanup.use(watchNode(eventLog, { clock, journal, spaces, parts, components: () => startup.reports() }))
  cleanup.use(introduce({ spaces, bus, sync, keeper, addresses }))
  const inOrder: readonly (readonly [Component, boolean])[] = [
    [new Doorkeeper({ transport, isMember: (peer) => spaces.peers().has(peer), clock, log: of('network') }), false],
    [keeper, false],
    [bus, false],
    [sync, false],
    [new ClockWatch({ journal, clock, self: identity.device.peer }), true],
    [new Expiry({ journal, clock, random, log: of('expiry') }), true],
    ...domains.map((domain) => [domain, true] as const),
  ]
  for (const [component, optional] of inOrder) await startup.start(component, { optional })

  const operations = new Map<string, Operation>()
  const calls = { clock, random, log: of('calls') }
  const stopped = Promise.withResolvers<PlexusError | undefined>()
  const startedAt = clock.now()
  const running = cleanup.move()
  let stopping: Promise<void> | undefined
  const node: PlexusNode = {
    name,
    peer: identity.device.peer,
    notes: note === undefined ? [] : [note],
    bus,
    journal,
    spaces,
    sync,
    transport,
    clock,
    settings: addresses,
    eventLog,
    operations,
    call: async (operation, input, context = {}) => {
      if (stopping !== undefined) throw new NodeError('ERR_STOPPING', 'this peer is stopping')
      return await traced(calls, operation, fullContext(context), (traced) =>
        callOperation(operations, operation, input, traced),
      )
    },
    status: () =>
      nodeStatus(node, { version: init.version ?? '0', startedAt, now: clock.now(), components: startup.reports() }),
    stop: () => {
      stopping ??= running.disposeAsync().finally(() => stopped.resolve(undefined))
      return stopping
    },
    stopped: stopped.promise,
    [Symbol.asyncDispose]: () => node.stop(),
  }
  for (const operation of [...nodeOperations(node), ...domains.flatMap((domain) => domain.operations)]) {
    operations.set(operation.name, operation)
  }
  eventLog.note('node', 'node:started', { peer: node.peer, version: init.version })
  return node
}

function fullContext(context: Partial<OperationContext>): OperationContext {
  return {
    caller: context.caller ?? { kind: 'person', client: 'library' },
    signal: context.signal ?? new AbortController().signal,
    trace: context.trace,
    progress: context.progress ?? (() => undefined),
  }
}
