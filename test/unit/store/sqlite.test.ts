import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { type Database, openDatabase } from '../../../src/store/index.ts'

let folder: string
let path: string
let database: Database

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plexus-store-'))
  path = join(folder, 'plexus.db')
  database = openDatabase({ path })
  database.exec('CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, data ANY) STRICT')
})

afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

function add(name: string): void {
  database.prepare('INSERT INTO thing (name) VALUES (?)').run(name)
}

function names(): readonly unknown[] {
  return database
    .prepare('SELECT name FROM thing ORDER BY id')
    .all()
    .map((row) => row.name)
}

suite('statements', () => {
  test('say what they changed', () => {
    const insert = database.prepare('INSERT INTO thing (name) VALUES (?)')
    assert.deepEqual(insert.run('a'), { changes: 1, lastInsertRowid: 1 })
    assert.deepEqual(insert.run('b'), { changes: 1, lastInsertRowid: 2 })
    assert.equal(database.prepare('DELETE FROM thing').run().changes, 2)
  })

  test('give back each kind of value as it was given', () => {
    const values = [
      null,
      0,
      -1,
      1.5,
      Number.MAX_SAFE_INTEGER,
      '',
      'text \u{1f9e0} \0 end',
      new Uint8Array(0),
      Uint8Array.of(0, 255),
    ]
    for (const value of values) {
      const row = database.prepare('SELECT ? AS value').get(value)
      assert.deepEqual(row?.value, value)
    }
  })

  test('bind whole numbers as integers', () => {
    const row = database
      .prepare("SELECT typeof(?) AS whole, typeof(?) AS half, ? || '' AS text, ? / 2 AS quotient")
      .get(1, 0.5, 7, 7)
    assert.deepEqual({ ...row }, { whole: 'integer', half: 'real', text: '7', quotient: 3 })
  })

  test('of the same text may run while rows are iterated', () => {
    for (const name of ['a', 'b', 'c']) add(name)
    const select = database.prepare('SELECT name FROM thing ORDER BY id')
    const seen: unknown[] = []
    for (const row of select.iterate()) {
      seen.push(row.name, select.all().length, [...select.iterate()].length)
    }
    assert.deepEqual(seen, ['a', 3, 3, 'b', 3, 3, 'c', 3, 3])
  })

  test('an iteration that is left early holds nothing back', () => {
    for (const name of ['a', 'b', 'c']) add(name)
    for (const _row of database.prepare('SELECT name FROM thing').iterate()) break
    database.exec('DROP TABLE thing')
  })

  test('more of them than the cache holds go on working', () => {
    const first = database.prepare('SELECT 0 AS n')
    for (let n = 0; n < 600; n++) assert.equal(database.prepare(`SELECT ${n} AS n`).get()?.n, n)
    assert.equal(first.get()?.n, 0)
  })
})

suite('transactions', () => {
  test('keep all or nothing', () => {
    assert.equal(
      database.transaction(() => {
        add('a')
        return 7
      }),
      7,
    )
    assert.throws(
      () =>
        database.transaction(() => {
          add('b')
          throw new Error('no')
        }),
      /no/,
    )
    assert.deepEqual(names(), ['a'])
  })

  test('nest: the inner one may fail alone, the outer one takes all with it', () => {
    database.transaction(() => {
      add('a')
      assert.throws(() =>
        database.transaction(() => {
          add('b')
          database.transaction(() => add('c'))
          throw new Error('inner')
        }),
      )
      database.transaction(() => add('d'))
    })
    assert.deepEqual(names(), ['a', 'd'])
    assert.throws(() =>
      database.transaction(() => {
        database.transaction(() => add('e'))
        throw new Error('outer')
      }),
    )
    assert.deepEqual(names(), ['a', 'd'])
  })

  test('refuse asynchronous work and roll it back', () => {
    assert.throws(() => database.transaction(async () => add('a')), { code: 'ERR_INVALID_ARGUMENT' })
    assert.deepEqual(names(), [])
  })

  test('that SQLite has rolled back take no more writes, even when the error was caught', () => {
    add('a')
    assert.throws(
      () =>
        database.transaction(() => {
          add('b')
          assert.throws(() => database.prepare("INSERT OR ROLLBACK INTO thing (name) VALUES ('a')").run())
          assert.throws(() => add('c'), { code: 'ERR_STORE_FAILED', message: /rolled back/ })
          assert.throws(() => database.transaction(() => add('d')), { code: 'ERR_STORE_FAILED' })
        }),
      { code: 'ERR_STORE_FAILED' },
    )
    assert.deepEqual(names(), ['a'])
    database.transaction(() => add('e'))
    assert.deepEqual(names(), ['a', 'e'])
  })

  test('run what was put off just before they commit, in order', () => {
    const steps: string[] = []
    database.transaction(() => {
      database.beforeCommit(() => {
        steps.push('first')
        add('first')
        database.beforeCommit(() => steps.push('added last'))
      })
      database.transaction(() => database.beforeCommit(() => steps.push('second')))
      steps.push('work')
    })
    assert.deepEqual(steps, ['work', 'first', 'second', 'added last'])
    assert.deepEqual(names(), ['first'])
  })

  test('forget what was put off in a part that was rolled back', () => {
    const steps: string[] = []
    database.transaction(() => {
      database.beforeCommit(() => steps.push('outer'))
      assert.throws(() =>
        database.transaction(() => {
          database.transaction(() => database.beforeCommit(() => steps.push('innermost')))
          database.beforeCommit(() => steps.push('inner'))
          throw new Error('no')
        }),
      )
    })
    assert.deepEqual(steps, ['outer'])
  })

  test('are rolled back when what was put off fails', () => {
    assert.throws(
      () =>
        database.transaction(() => {
          add('a')
          database.beforeCommit(() => {
            throw new Error('late')
          })
        }),
      /late/,
    )
    assert.deepEqual(names(), [])
  })

  test('outside of one, what is put off runs at once in its own', () => {
    assert.throws(() =>
      database.beforeCommit(() => {
        add('a')
        throw new Error('no')
      }),
    )
    database.beforeCommit(() => add('b'))
    assert.deepEqual(names(), ['b'])
  })
})

suite('a file', () => {
  test('belongs to its owner only, as do those beside it', { skip: process.platform === 'win32' }, () => {
    add('a')
    for (const file of [path, `${path}-wal`, `${path}-shm`]) assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  test('keeps what was committed, with the pragmas that make it durable', () => {
    add('a')
    database.close()
    database = openDatabase({ path })
    assert.deepEqual(names(), ['a'])
    assert.equal(database.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal')
    assert.equal(database.prepare('PRAGMA synchronous').get()?.synchronous, 2)
    assert.equal(database.prepare('PRAGMA foreign_keys').get()?.foreign_keys, 1)
  })

  test('holds no trace of what was deleted', () => {
    add('the secret of the sphinx '.repeat(400))
    database.exec('DELETE FROM thing; PRAGMA wal_checkpoint(TRUNCATE)')
    assert.ok(!readFileSync(path).includes('sphinx'))
  })

  test('may be open a second time for reading', () => {
    add('a')
    using reader = openDatabase({ path, readOnly: true })
    assert.equal(reader.prepare('SELECT count(*) AS n FROM thing').get()?.n, 1)
    add('b')
    assert.equal(reader.prepare('SELECT count(*) AS n FROM thing').get()?.n, 2)
    assert.throws(() => reader.exec('DELETE FROM thing'), { code: 'ERR_STORE_READ_ONLY', fix: /./ })
  })

  test('opening it again does not drop the locks of the first connection', () => {
    database.transaction(() => {
      add('a')
      using other = openDatabase({ path, busyTimeoutMs: 0 })
      assert.throws(() => other.exec("INSERT INTO thing (name) VALUES ('b')"), { code: 'ERR_STORE_LOCKED', fix: /./ })
    })
    assert.deepEqual(names(), ['a'])
  })
})

suite('errors', () => {
  test('a full disk stops the write and harms nothing', () => {
    add('before')
    const pages = Number(database.prepare('PRAGMA page_count').get()?.page_count)
    database.exec(`PRAGMA max_page_count=${pages + 2}`)
    const fill = (): void => database.transaction(() => add('x'.repeat(100_000)))
    assert.throws(fill, { code: 'ERR_STORE_FULL', fix: /Free some disk space/ })
    assert.deepEqual(names(), ['before'])
    database.exec('PRAGMA max_page_count=1000000')
    fill()
    assert.equal(names().length, 2)
  })

  test('a file that is no database', () => {
    const other = join(folder, 'other.db')
    writeFileSync(other, 'this is no database at all, however long one looks at it. '.repeat(100))
    assert.throws(() => openDatabase({ path: other }), { code: 'ERR_STORE_CORRUPT', fix: /plexus repair/ })
    assert.match(readFileSync(other, 'utf8'), /^this is no database/)
  })

  test('a damaged page', () => {
    for (let n = 0; n < 500; n++) add(`a name that takes some room, the ${n}th of its kind`)
    database.close()
    const bytes = readFileSync(path)
    bytes.fill(0x55, 4096, bytes.length - 4096)
    writeFileSync(path, bytes)
    assert.throws(
      () => {
        database = openDatabase({ path })
        names()
      },
      { code: 'ERR_STORE_CORRUPT' },
    )
  })

  test('a missing folder', () => {
    assert.throws(() => openDatabase({ path: join(folder, 'none', 'plexus.db') }), {
      code: 'ERR_STORE_FAILED',
      fix: /folder/,
    })
  })

  test('a closed database; closing twice is fine', () => {
    const statement = database.prepare('SELECT 1')
    database.close()
    database.close()
    for (const use of [() => database.exec('SELECT 1'), () => database.prepare('SELECT 1'), () => statement.get()]) {
      assert.throws(use, { code: 'ERR_STORE_CLOSED' })
    }
  })

  test('a mistake in SQL, and a broken constraint, name the file and keep their cause', () => {
    assert.throws(() => database.exec('SELEKT'), { code: 'ERR_STORE_FAILED', message: /plexus\.db: near "SELEKT"/ })
    add('a')
    assert.throws(
      () => add('a'),
      (error: Error) => error.message.includes('UNIQUE') && error.cause instanceof Error,
    )
  })
})
