import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspectDatabase, openDatabase } from '../../../src/store/index.ts'

const SCHEMA = { module: 'things', migrations: [{ version: 1, up: 'CREATE TABLE thing (text TEXT) STRICT' }] }

test('tells the sizes of a database that another connection has open, and nothing of what stands in it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plexus-inspect-'))
  try {
    const path = join(folder, 'x.db')
    using writer = openDatabase({ path, schemas: [SCHEMA], appVersion: '1.2.3' })
    writer.prepare('INSERT INTO thing VALUES (?)').run('a secret '.repeat(5_000))
    using reader = openDatabase({ path, readOnly: true })
    const report = inspectDatabase(reader)
    assert.equal(report.integrity, 'ok')
    assert.deepEqual(report.schemas, [{ module: 'things', version: 1, appVersion: '1.2.3' }])
    assert.equal(report.pragmas.journal_mode, 'wal')
    assert.equal(report.tables[0]?.name, 'thing')
    assert.ok((report.tables[0]?.bytes ?? 0) >= 45_000 && report.bytes > 45_000)
    assert.doesNotMatch(JSON.stringify(report), /secret/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a database without a schema of ours is described too, and what is none is refused', () => {
  using empty = openDatabase({ path: ':memory:' })
  assert.deepEqual(inspectDatabase(empty).schemas, [])
  const folder = mkdtempSync(join(tmpdir(), 'plexus-inspect-'))
  try {
    const path = join(folder, 'x.db')
    writeFileSync(path, 'this is no database at all'.repeat(100))
    assert.throws(() => openDatabase({ path, readOnly: true }), { code: 'ERR_STORE_CORRUPT' })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
