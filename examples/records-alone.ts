/** Signed, hash-chained records in one SQLite file, without any network: append, close, open again, read, verify. */
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keyOfPeerId, silentLogger, systemClock, systemRandom } from 'plexus/base'
import { loadOrCreateIdentity, verifier } from 'plexus/identity'
import { createJournal, isSignedBy, KIND_RANGES, LOG_CLASS, recordsSchema } from 'plexus/records'
import { createSpaces, spaceSchema } from 'plexus/space'
import { openDatabase } from 'plexus/store'

const MEASUREMENT = KIND_RANGES.application[0]
using folder = mkdtempDisposableSync(join(tmpdir(), 'plexus-example-'))
const parts = { clock: systemClock(), random: systemRandom(), log: silentLogger(), verifier: verifier() }
const identity = loadOrCreateIdentity({ folder: folder.path, random: parts.random, name: 'ada' })

/** The journal asks the spaces who may write, and the spaces write through the journal. */
function open() {
  const database = openDatabase({ path: join(folder.path, 'records.db'), schemas: [recordsSchema, spaceSchema] })
  const spaces = createSpaces({ name: 'ada' })({ identity, database, ...parts })
  const journal = createJournal()({
    database,
    signer: identity.device,
    authority: spaces,
    cipher: spaces.cipher,
    ...parts,
  })
  spaces.attach(journal)
  spaces.load()
  return { database, spaces, journal }
}

{
  const { database, spaces, journal } = open()
  const { id } = await spaces.create({ name: 'measurements', personal: false })
  for (const value of [412, 398, 407]) {
    await journal.append({ space: id, class: LOG_CLASS.durable, kind: MEASUREMENT, body: { value, unit: 'ms' } })
  }
  database.close()
}
{
  const { database, journal } = open()
  for (const { id, seq, author, body } of journal.records({ kinds: [MEASUREMENT], limit: 10 })) {
    // The bytes as they would travel: whoever has them can check the author, and needs nothing else for it.
    const frame = journal.frame(id)
    const valid = frame !== undefined && isSignedBy(parts.verifier, keyOfPeerId(author), frame.header, frame.signature)
    console.log(`${seq} ${JSON.stringify(body)} signature ${valid ? 'valid' : 'invalid'}`)
  }
  database.close()
}
