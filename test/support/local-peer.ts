import { seededRandom, silentLogger, VirtualClock } from '../../src/base/index.ts'
import { identityFromSeeds, verifier } from '../../src/identity/index.ts'
import { createJournal, type Journal, recordsSchema, type View } from '../../src/records/index.ts'
import { createSpaces, type Spaces } from '../../src/space/index.ts'
import { openDatabase } from '../../src/store/index.ts'

export interface LocalPeer extends Disposable {
  readonly clock: VirtualClock
  readonly journal: Journal
  readonly spaces: Spaces
  readonly log: ReturnType<typeof silentLogger>
}

/** The durable half of a peer, in memory and without a network: what a domain stands on. `seed` makes its keys. */
export function localPeer(seed: number, views: (peer: LocalPeer) => readonly View[]): LocalPeer {
  const random = seededRandom(seed)
  const clock = new VirtualClock()
  const log = silentLogger()
  const identity = identityFromSeeds(
    { device: random.bytes(32), principal: random.bytes(32), sealing: random.bytes(32) },
    { name: `peer-${seed}` },
  )
  const database = openDatabase({ path: ':memory:', schemas: [recordsSchema] })
  const signatures = verifier()
  const spaces = createSpaces({ name: `peer-${seed}` })({ identity, verifier: signatures, clock, random, log })
  const journal = createJournal()({
    database,
    signer: identity.device,
    verifier: signatures,
    authority: spaces,
    clock,
    random,
    log,
  })
  spaces.attach(journal)
  const peer: LocalPeer = { clock, journal, spaces, log, [Symbol.dispose]: () => database.close() }
  for (const view of views(peer)) journal.register(view)
  spaces.load()
  return peer
}
