import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { type Database, migrate, openDatabase, type Schema } from '../../../src/store/index.ts'

const one: Schema = { module: 'one', migrations: [{ version: 1, up: 'CREATE TABLE one (a INTEGER) STRICT' }] }
const oneNext: Schema = {
  module: 'one',
  migrations: [
    ...one.migrations,
    { version: 2, up: 'ALTER TABLE one ADD COLUMN b INTEGER' },
    { version: 3, up: (database) => void database.prepare('UPDATE one SET b = a * 2').run() },
  ],
}
const two: Schema = { module: 'two', migrations: [{ version: 1, up: 'CREATE TABLE two (a INTEGER) STRICT' }] }

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plexus-migrate-'))
  path = join(folder, 'plexus.db')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function open(schemas: readonly Schema[], appVersion = '0.1.0'): Database {
  return openDatabase({ path, schemas, appVersion })
}

function versions(database: Database): readonly string[] {
  return database
    .prepare('SELECT module, version, app_version FROM meta ORDER BY module')
    .all()
    .map((row) => `${row.module} ${row.version} ${row.app_version}`)
}

suite('migration', () => {
  test('makes the tables of a new database, without a backup', () => {
    using database = open([one, two])
    assert.deepEqual(versions(database), ['one 1 0.1.0', 'two 1 0.1.0'])
    assert.equal(existsSync(`${path}.backup`), false)
  })

  test('does nothing to a database that is up to date', () => {
    open([one]).close()
    using database = open([one], '0.2.0')
    assert.deepEqual(versions(database), ['one 1 0.1.0'])
  })

  test('takes the steps that are missing and keeps a copy of what was before', () => {
    {
      using database = open([one])
      database.exec('INSERT INTO one VALUES (21)')
    }
    writeFileSync(`${path}.backup.tmp`, 'left over from a crash')
    {
      using database = open([oneNext], '0.2.0')
      assert.deepEqual(versions(database), ['one 3 0.2.0'])
      assert.deepEqual({ ...database.prepare('SELECT * FROM one').get() }, { a: 21, b: 42 })
    }
    using backup = openDatabase({ path: `${path}.backup`, readOnly: true })
    assert.deepEqual({ ...backup.prepare('SELECT * FROM one').get() }, { a: 21 })
    assert.deepEqual(versions(backup), ['one 1 0.1.0'])
    if (process.platform !== 'win32') assert.equal(statSync(`${path}.backup`).mode & 0o777, 0o600)
    assert.ok(!readdirSync(folder).includes('plexus.db.backup.tmp'))
  })

  test('adding a module needs no backup', () => {
    open([one]).close()
    using database = open([one, two])
    assert.deepEqual(versions(database), ['one 1 0.1.0', 'two 1 0.1.0'])
    assert.equal(existsSync(`${path}.backup`), false)
  })

  test('that fails changes nothing, in any module', () => {
    open([one]).close()
    const broken: Schema = { module: 'broken', migrations: [{ version: 1, up: 'CREATE TABLE x (a); SELEKT' }] }
    assert.throws(() => open([oneNext, two, broken]), { code: 'ERR_STORE_FAILED' })
    using database = open([one])
    assert.deepEqual(versions(database), ['one 1 0.1.0'])
    assert.equal(database.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name IN ('two', 'x')").get()?.n, 0)
  })

  test('does not begin when the backup fails', () => {
    using database = open([one])
    const backup = (): void => {
      throw new Error('no room')
    }
    assert.throws(() => migrate(database, [oneNext], { appVersion: '0.2.0', backup }), /no room/)
    assert.deepEqual(versions(database), ['one 1 0.1.0'])
  })

  test('refuses what a newer program wrote, and says which', () => {
    open([oneNext], '0.9.0').close()
    assert.throws(() => open([two, one], '0.1.0'), {
      code: 'ERR_STORE_NEWER',
      message: /Plexus 0\.9\.0 .* version 3.* knows 1/,
      fix: /0\.9\.0 or later/,
    })
    using database = open([oneNext], '0.9.0')
    assert.deepEqual(versions(database), ['one 3 0.9.0'])
  })

  test('a gap in the numbers is a mistake of the programmer', () => {
    for (const versions of [[2], [1, 3], [1, 1], [0]]) {
      const schema: Schema = { module: 'gap', migrations: versions.map((version) => ({ version, up: '' })) }
      assert.throws(() => openDatabase({ path: ':memory:', schemas: [schema] }), { code: 'ERR_INVALID_ARGUMENT' })
    }
  })
})
