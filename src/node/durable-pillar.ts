import type { Clock, Logger, Random } from '../base/index.ts'
import type { Identity, Verifier } from '../identity/index.ts'
import { createJournal, endOfTurn, type Journal, recordsSchema, type SpaceQuota } from '../records/index.ts'
import { createSpaces, type Spaces, spaceSchema } from '../space/index.ts'
import type { Database, Schema } from '../store/index.ts'
import { syncSchema } from '../sync/index.ts'
import { addressBookSchema } from './address-book.ts'

/** Every module's tables in the database of a peer. */
export const STORE_SCHEMAS: readonly Schema[] = [recordsSchema, spaceSchema, syncSchema, addressBookSchema]

export interface DurablePillarComponents {
  /** Opened with STORE_SCHEMAS. */
  readonly database: Database
  readonly identity: Identity
  readonly signatures: Verifier
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Of each space, until it is told another. */
  readonly quota?: SpaceQuota
}

export interface DurablePillar {
  /** Not loaded yet. */
  readonly spaces: Spaces
  readonly journal: Journal
}

/** The journal asks the spaces who may write, and the spaces write through the journal. `name` is our own, as others see it. */
export function durablePillar(name: string, components: DurablePillarComponents): DurablePillar {
  const { clock, random, log, database, identity, signatures, quota } = components
  const spaces = createSpaces({ name })({
    identity,
    verifier: signatures,
    database,
    clock,
    random,
    log: log.child({ module: 'space' }),
  })
  const journal = createJournal({ endOfTurn, ...(quota === undefined ? {} : { quota }) })({
    database,
    signer: identity.device,
    verifier: signatures,
    authority: spaces,
    cipher: spaces.cipher,
    clock,
    random,
    log: log.child({ module: 'records' }),
  })
  spaces.attach(journal)
  return { spaces, journal }
}
