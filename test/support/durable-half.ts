import { type Clock, type Logger, type Random, seededRandom, silentLogger } from '../../src/base/index.ts'
import { type Identity, identityFromSeeds, verifier } from '../../src/identity/index.ts'
import { createJournal, type Journal, recordsSchema } from '../../src/records/index.ts'
import { createSpaces, type Spaces, spaceSchema } from '../../src/space/index.ts'
import { type Database, openDatabase } from '../../src/store/index.ts'
import { syncSchema } from '../../src/sync/index.ts'

export interface DurableHalfInit {
  readonly name: string
  /** Makes the keys: the same device for the same seed. */
  readonly seed: number
  readonly clock: Clock
  /** A file that survives a restart; default: in memory. */
  readonly path?: string
  readonly log?: Logger
}

/** Identity, records and spaces of a peer: everything that needs no network. */
export interface DurableHalf extends Disposable {
  readonly identity: Identity
  readonly random: Random
  readonly journal: Journal
  readonly spaces: Spaces
  readonly database: Database
}

export function durableHalf(init: DurableHalfInit): DurableHalf {
  const { name, seed, clock, path = ':memory:', log = silentLogger() } = init
  const keys = seededRandom(seed)
  const seeds = { device: keys.bytes(32), principal: keys.bytes(32), sealing: keys.bytes(32) }
  const identity = identityFromSeeds(seeds, { name })
  // A restarted peer must not draw the same numbers again.
  const random = seededRandom(seed * 7919 + Math.floor(clock.monotonic()))
  const signatures = verifier()
  const database = openDatabase({ path, schemas: [recordsSchema, spaceSchema, syncSchema] })
  const spaces = createSpaces({ name })({ identity, verifier: signatures, database, clock, random, log })
  const journal = createJournal()({
    database,
    signer: identity.device,
    verifier: signatures,
    authority: spaces,
    cipher: spaces.cipher,
    clock,
    random,
    log,
  })
  spaces.attach(journal)
  spaces.load()
  return { identity, random, journal, spaces, database, [Symbol.dispose]: () => database.close() }
}
