import { hexOf, type PeerId, type RecordId, type SpaceId } from '../base/index.ts'
import { decodeBody } from './body.ts'
import type { Log } from './log-table.ts'
import type { BodyMap, Header, LogClass, StoredRecord } from './types.ts'

export interface StoredRecordInit {
  readonly rid: number
  readonly id: Uint8Array
  readonly log: Log
  readonly header: Header
  /** Of an encrypted record the one inside, 0 as long as nobody could read it. */
  readonly kind: number
  /** Salt and map, or how to get them; null when erased or unreadable. */
  readonly body: Uint8Array | (() => Uint8Array | undefined) | null
  readonly signatureChecked: boolean
}

/** A record whose body is decoded when somebody first reads it: catch-up of what no view wants never pays for it. */
export class JournalRecord implements StoredRecord {
  readonly rid: number
  readonly id: RecordId
  readonly space: SpaceId
  readonly author: PeerId
  readonly class: LogClass
  readonly log: string
  readonly seq: number
  readonly hlc: number
  readonly kind: number
  readonly exp: number
  readonly signatureChecked: boolean
  #encoded: StoredRecordInit['body']
  #body: BodyMap | undefined

  constructor(init: StoredRecordInit) {
    const { log, header } = init
    this.rid = init.rid
    this.id = hexOf(init.id) as RecordId
    this.space = log.space
    this.author = log.author
    this.class = log.class
    this.log = log.hex
    this.seq = header.seq
    this.hlc = header.hlc
    this.kind = init.kind
    this.exp = header.exp
    this.signatureChecked = init.signatureChecked
    this.#encoded = init.body
  }

  get body(): BodyMap | undefined {
    if (this.#encoded !== null) {
      const encoded = typeof this.#encoded === 'function' ? this.#encoded() : this.#encoded
      this.#body = encoded === undefined ? undefined : decodeBody(encoded)
      this.#encoded = null
    }
    return this.#body
  }
}
