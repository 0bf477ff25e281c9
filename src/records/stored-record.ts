import { hexOf, type PeerId, type RecordId, type SpaceId } from '../base/index.ts'
import { decodeBody } from './body.ts'
import type { Log } from './log-table.ts'
import { type BodyMap, FLAG_ENCRYPTED, type Header, type LogClass, type StoredRecord } from './types.ts'

export interface StoredRecordInit {
  readonly rid: number
  readonly id: Uint8Array
  readonly log: Log
  readonly header: Header
  /** As stored; null when erased. */
  readonly body: Uint8Array | null
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
  #encoded: Uint8Array | null
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
    this.kind = header.kind
    this.exp = header.exp
    this.signatureChecked = init.signatureChecked
    this.#encoded = (header.flags & FLAG_ENCRYPTED) === 0 ? init.body : null
  }

  get body(): BodyMap | undefined {
    if (this.#encoded !== null) {
      this.#body = decodeBody(this.#encoded)
      this.#encoded = null
    }
    return this.#body
  }
}
