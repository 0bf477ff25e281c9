/** Records as others would send them: some logs of equal length, bodies of one size. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import {
  concatBytes,
  HLC_STEPS_PER_MS,
  type SpaceId,
  seededRandom,
  spaceIdOf,
  systemRandom,
  utf8,
} from '../../src/base/index.ts'
import { type Signer, signer } from '../../src/identity/index.ts'
import {
  type BodyCipher,
  bodyHashOf,
  encodeBody,
  encodeFrames,
  encodeHeader,
  FLAG_ENCRYPTED,
  type Frame,
  type Header,
  LOG_CLASS,
  RECORD_SIGNATURE_TAG,
  recordIdBytes,
  signHeader,
} from '../../src/records/index.ts'
import { SEALED_OVERHEAD_BYTES } from '../../src/space/keys/body-sealing.ts'

export const LOGS = 20
/** A batch is full at 256 KiB, which are about 200 records of this size. */
export const BATCH = 200
export const RECORDS: number = LOGS * BATCH * 3
const BODY_BYTES = 1_024
export const KIND = 65_536
/** Salt, head of a map of one, key `text`, head of a text of this length. */
const BODY_OVERHEAD_BYTES: number = 16 + 1 + 5 + 3
/** What sealing adds to a body: the kind, and what the cipher needs. */
const SEALED_MORE_BYTES: number = 4 + SEALED_OVERHEAD_BYTES
export const TEXT: string = 'x'.repeat(BODY_BYTES - BODY_OVERHEAD_BYTES)

export interface Sample {
  readonly space: SpaceId
  readonly genesis: Frame
  /** Log after log, as in catch-up, and one record of each log in turn, as they come live; encoded as they travel. */
  readonly runs: readonly Uint8Array[]
  readonly live: readonly Uint8Array[]
  readonly records: readonly Prepared[]
}

/** What the bare loops need, ready to use. */
export interface Prepared {
  readonly frame: Frame
  readonly header: Header
  readonly id: Uint8Array
  readonly key: KeyObject
  readonly message: Uint8Array
}

/** With a cipher, as members of an encrypted space would send them. */
export function makeSample(cipher?: BodyCipher): Sample {
  const random = seededRandom(1)
  const founder = signer(random.bytes(32))
  const zero = new Uint8Array(32)
  const first = makeRecord(founder, { space: zero, log: LOG_CLASS.control, seq: 1, prev: zero, kind: 1, text: 'bench' })
  const space = first.id
  const logs = Array.from({ length: LOGS }, () => {
    const author = signer(random.bytes(32))
    const records: Prepared[] = []
    for (let seq = 1, prev: Uint8Array = zero; seq <= RECORDS / LOGS; seq++) {
      const record = makeRecord(author, { space, log: LOG_CLASS.durable, seq, prev, kind: KIND, text: TEXT, cipher })
      records.push(record)
      prev = record.id
    }
    return records
  })
  const records = logs.flat()
  const inTurn = records
    .map((_, index) => logs[index % LOGS]?.[Math.floor(index / LOGS)])
    .filter((each) => each !== undefined)
  return { space: spaceIdOf(space), genesis: first.frame, runs: batchesOf(records), live: batchesOf(inTurn), records }
}

export interface Place extends Pick<Header, 'space' | 'seq' | 'prev' | 'kind'> {
  /** The name of the log, or the number that all its bytes have. */
  readonly log: number | Uint8Array
  readonly text: string
  readonly cipher?: BodyCipher | undefined
}

export function makeRecord(author: Signer, { log: name, text, cipher, kind, ...place }: Place): Prepared {
  const log = typeof name === 'number' ? new Uint8Array(8).fill(name) : name
  // Bodies of one size on the wire, sealed or not.
  const plain = encodeBody({ text: cipher === undefined ? text : text.slice(SEALED_MORE_BYTES) }, systemRandom())
  const sealed = cipher?.seal(
    { space: spaceIdOf(place.space), device: author.publicKey, log, seq: place.seq },
    concatBytes(Uint8Array.of(0, kind >> 16, kind >> 8, kind), plain),
  )
  const body = sealed?.body ?? plain
  const header: Header = {
    v: 1,
    ...place,
    device: author.publicKey,
    log,
    hlc: 1_700_000_000_000 * HLC_STEPS_PER_MS + place.seq,
    auth: new Uint8Array(8),
    kind: sealed === undefined ? kind : 0,
    flags: sealed === undefined ? 0 : FLAG_ENCRYPTED,
    epoch: sealed?.epoch ?? 0,
    exp: 0,
    bodyHash: bodyHashOf(body),
    bodyLen: body.length,
  }
  const encoded = encodeHeader(header)
  const frame = { header: encoded, signature: signHeader(author, encoded), body }
  const message = concatBytes(utf8(RECORD_SIGNATURE_TAG), encoded)
  return { frame, header, id: recordIdBytes(encoded), key: publicKeyOf(author), message }
}

function publicKeyOf(author: Signer): KeyObject {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), author.publicKey])
  return createPublicKey({ key: der, format: 'der', type: 'spki' })
}

function batchesOf(records: readonly Prepared[]): readonly Uint8Array[] {
  const starts = Array.from({ length: Math.ceil(records.length / BATCH) }, (_, index) => index * BATCH)
  return starts.map((start) => encodeFrames(records.slice(start, start + BATCH).map(({ frame }) => frame)))
}
