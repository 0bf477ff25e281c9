import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bytesOfHex } from '../../../src/base/index.ts'
import { recordsSchema } from '../../../src/records/index.ts'
import { openDatabase, type SqlValue } from '../../../src/store/index.ts'
import { migrate } from '../../../src/store/migrate.ts'
import { Author, foundedBy, rig } from './fixture.ts'
import { choice, ruled, ruling } from './rule-authority.ts'

describe('a store of the first version', () => {
  it('keeps its forks as proofs and its void records apart', () => {
    const { space, genesis } = foundedBy(2)
    const author = new Author(3, space)
    const common = author.write()
    const other = author.twin().write()
    const [two, three] = [author.write(), author.write()]

    const old = { ...recordsSchema, migrations: recordsSchema.migrations.slice(0, 1) }
    const database = openDatabase({ path: ':memory:', schemas: [old] })
    const insert = (sql: string, ...params: readonly SqlValue[]) => database.prepare(sql).run(...params)
    insert('INSERT INTO journal (store_id) VALUES (?)', new Uint8Array(16))
    insert('INSERT INTO space (id) VALUES (?)', bytesOfHex(space))
    const log = 'INSERT INTO log (space, device, name, class, seq, id, frozen) VALUES (1, ?, ?, ?, 1, ?, ?)'
    insert(log, genesis.header.device, genesis.header.log, 0, bytesOfHex(genesis.id), 0)
    insert(log, common.header.device, common.header.log, 1, bytesOfHex(common.id), 1)
    for (const [n, { frame, id, header }] of [genesis, common, two, three].entries()) {
      const state = n < 2 ? 0 : 2
      const values = [
        n + 1,
        n === 0 ? 1 : 2,
        header.seq,
        bytesOfHex(id),
        header.kind,
        frame.header,
        frame.signature,
        1,
        state,
      ]
      insert('INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)', ...values)
      insert('INSERT INTO body VALUES (?, ?, 0)', n + 1, frame.body)
    }
    const fork = 'INSERT INTO fork VALUES (2, ?, ?, ?, ?, ?)'
    insert(fork, 2, two.frame.header, two.frame.signature, other.frame.header, other.frame.signature)
    insert(fork, 3, three.frame.header, three.frame.signature, two.frame.header, two.frame.signature)

    migrate(database, [recordsSchema], { appVersion: '2', backup: () => undefined })
    const { journal } = rig({ database })
    assert.deepEqual(
      journal
        .heads(space)
        .map(({ base, seq, id }) => [base, seq, id])
        .toSorted(),
      [
        [1, 1, common.id],
        [1, 1, genesis.id],
      ].toSorted(),
    )
    assert.deepEqual(
      journal.forks(space).map(({ seq }) => seq),
      [2],
    )
    const { author: peer, log: name } = common
    assert.deepEqual(journal.voided(space), [
      { author: peer, log: name, from: 2, to: 3, first: two.id, last: three.id },
    ])
    assert.deepEqual(journal.ingest(space, [two.frame], 'single').refused, { frozen: 1 })

    const again = ruled({ database })
    again.say(ruling(common, choice(2, two.id, 3, three.id), 1))
    assert.equal(again.headOf(common)?.id, three.id)
    assert.equal(again.journal.record(two.id)?.rid, 6)
  })
})
