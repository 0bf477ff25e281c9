import { generateKeyPairSync, hash, sign, verify } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { decodeFrames, decodeHeader, recordIdBytes, recordsSchema } from '../../src/records/index.ts'
import { openDatabase } from '../../src/store/index.ts'
import { rate } from '../benchmark.ts'
import { LOGS, type Prepared, RECORDS } from './sample.ts'

/** Verifying and signing are so slow beside the rest that a part of the records tells enough. */
const CRYPTO_SHARE = 3

/** The bare loops: each does one part of the work with nothing around it. */
export class BareLoops {
  readonly #path: string
  readonly #records: readonly Prepared[]

  constructor(path: string, records: readonly Prepared[]) {
    this.#path = path
    this.#records = records
  }

  verify(): Promise<number> {
    const some = this.#records.filter((_, index) => index % CRYPTO_SHARE === 0)
    return rate(some.length, () => {
      for (const { frame, key, message } of some)
        if (!verify(null, message, key, frame.signature)) throw new Error('bad')
    })
  }

  sign(): Promise<number> {
    const key = generateKeyPairSync('ed25519').privateKey
    const some = this.#records.filter((_, index) => index % CRYPTO_SHARE === 0)
    return rate(some.length, () => {
      for (const { message } of some) sign(null, message, key)
    })
  }

  decodeAndHash(batches: readonly Uint8Array[]): Promise<number> {
    return rate(this.#records.length, () => {
      for (const bytes of batches) {
        for (const { header, body } of decodeFrames(bytes)) {
          decodeHeader(header)
          recordIdBytes(header)
          if (body !== null) hash('sha256', body, 'buffer')
        }
      }
    })
  }

  /** The rows of the product in the tables of the product, through node:sqlite. */
  insert(records: number, batch: number): Promise<number> {
    const path = `${this.#path}-bare-${batch}.db`
    openDatabase({ path, schemas: [recordsSchema] }).close()
    const database = new DatabaseSync(path)
    database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16384')
    const record = database.prepare('INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
    const body = database.prepare('INSERT INTO body VALUES (?, ?, ?)')
    let rid = 0
    const insert = ({ frame, header, id }: Prepared): void => {
      const log = Math.floor(rid / (RECORDS / LOGS))
      record.run(++rid, log, header.seq, id, header.kind, frame.header, frame.signature, 1, 0)
      body.run(rid, frame.body, 0)
    }
    return rate(records, () => {
      for (let start = 0; start < records; start += batch) {
        database.exec('BEGIN IMMEDIATE')
        for (const each of this.#records.slice(start, start + batch)) insert(each)
        database.exec('COMMIT')
      }
    }).finally(() => database.close())
  }
}
