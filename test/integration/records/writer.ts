/**
 * A process to be killed: appends to the database given as its first argument, in bursts, for as long as it lives, and prints
 * `seq id n` for each append that was acknowledged. Its second argument tells its records from those of other runs.
 */
import { silentLogger, systemClock, systemRandom } from '../../../src/base/index.ts'
import { signer, verifier } from '../../../src/identity/index.ts'
import { createJournal, endOfTurn, LOG_CLASS, recordsSchema, type View } from '../../../src/records/index.ts'
import { openDatabase } from '../../../src/store/index.ts'
import { KIND, TableAuthority } from '../../unit/records/fixture.ts'
import { tallyView } from '../../unit/records/tally-view.ts'

const [path = '', run = ''] = process.argv.slice(2)
const database = openDatabase({ path, schemas: [recordsSchema] })
const journal = createJournal({ endOfTurn })({
  database,
  signer: signer(new Uint8Array(32).fill(1)),
  verifier: verifier(),
  authority: new TableAuthority(),
  clock: systemClock(),
  random: systemRandom(),
  log: silentLogger(),
})
journal.register(tallyView() as View)
const space = journal.spaces()[0] ?? (await journal.found({ name: 'space' })).space

async function append(n: number): Promise<void> {
  const body = { n, about: [`e${n % 5}`], text: 'x'.repeat(n % 1500) }
  const { seq, id } = await journal.append({ space, class: LOG_CLASS.durable, kind: KIND, body })
  process.stdout.write(`${seq} ${id} ${n}\n`)
}

for (let n = Number(run) * 1_000_000; ; ) {
  const burst = 1 + (n % 7)
  await Promise.all(Array.from({ length: burst }, () => append(n++)))
}
