import { bytesOfHex, hexOf, type PeerId, type SpaceId, systemRandom } from '../../src/base/index.ts'
import type { Signer } from '../../src/identity/index.ts'
import { decodeFrames, encodeFrames, type Frame, LOG_CLASS } from '../../src/records/index.ts'
import { parseTicket } from '../../src/space/index.ts'
import { KIND, makeRecord, type Prepared, TEXT } from '../records/sample.ts'
import { dataRecords, type Machine, newIdentity, openHalf, startMachine } from './machine.ts'

const AUTHORS = 20
/** As many records as fit in one batch. */
const BATCH = 200
const QUIET_MS = 400
const TICKET_TTL_MS = 3_600_000

export interface Stored {
  readonly seconds: number
  readonly records: number
}

/** What one process of the benchmark can be told to do. */
export class SyncSide {
  #machine: Machine | undefined
  #folder = ''
  #space: SpaceId | undefined
  /** The last record of a log, and who writes it. */
  #last: { readonly author: Signer; readonly name: Uint8Array; readonly record: Prepared } | undefined

  async start(folder: string, name: string): Promise<void> {
    this.#folder = folder
    this.#machine = await startMachine(`${folder}/${name}.db`)
  }

  /** Founds a space with so many logs of so many records, by several authors who are members of it. */
  async found(logs: number, perLog: number): Promise<void> {
    const { spaces, journal } = this.#peer
    const { id } = await spaces.create({ name: 'bench', personal: false, encrypted: false })
    this.#space = id
    const random = systemRandom()
    const authors: Signer[] = []
    for (let n = 0; n < Math.min(AUTHORS, logs); n++) authors.push(await this.#admit())
    let batch: Frame[] = []
    const store = (): void => {
      journal.ingest(id, batch, 'run')
      batch = []
    }
    for (let log = 0; log < logs; log++) {
      const author = authors[log % authors.length] as Signer
      const name = Uint8Array.of(LOG_CLASS.durable, ...random.bytes(7))
      let prev: Uint8Array = new Uint8Array(32)
      for (let seq = 1; seq <= perLog; seq++) {
        const record = makeRecord(author, { space: bytesOfHex(id), log: name, seq, prev, kind: KIND, text: TEXT })
        this.#last = { author, name, record }
        prev = record.id
        batch.push(record.frame)
        if (batch.length === BATCH) store()
      }
    }
    store()
    if (dataRecords(journal, id) !== logs * perLog) throw new Error('not all records were stored')
  }

  /** A ticket that leads to this process. */
  async ticket(): Promise<string> {
    const { spaces, transport } = this.#peer
    const addresses = transport.addresses()
    return (await spaces.invite(this.#id, { role: 'writer', uses: 1, ttlMs: TICKET_TTL_MS, addresses })).ticket
  }

  async port(): Promise<number> {
    return Number(/\/tcp\/(\d+)/.exec(this.#peer.transport.addresses()[0] ?? '')?.[1])
  }

  /** Joins, and says how long it took from the knowledge of who the members are to the last record. */
  async join(ticket: string, records: number): Promise<Stored> {
    const { sync, journal } = this.#peer
    const all = Promise.withResolvers<void>()
    let [stored, begun] = [0, 0]
    using _counting = journal.events.on('record:stored', ({ record }) => {
      if (record.class !== LOG_CLASS.control && ++stored === records) all.resolve()
    })
    const { space } = await sync.join(ticket, {
      name: 'bench',
      onStep: (step) => {
        if (step === 'membership-received') begun = performance.now()
      },
    })
    this.#space = space
    await all.promise
    return { seconds: (performance.now() - begun) / 1000, records }
  }

  /** How fast this process takes in what it holds by now from memory, in full batches, into another store on the same disk. */
  async ceiling(): Promise<Stored> {
    const { journal, identity } = this.#peer
    const heads = journal.heads(this.#id)
    const frames = (isData: boolean): readonly Frame[] =>
      heads
        .filter(({ log }) => !log.startsWith('00') === isData)
        .flatMap(({ author, log, base, seq }) => this.#framesOf(author, log, base, seq))
    const control = frames(false)
    const data = frames(true)
    const batches = Array.from({ length: Math.ceil(data.length / BATCH) }, (_, n) =>
      encodeFrames(data.slice(n * BATCH, (n + 1) * BATCH)),
    )
    using scratch = openHalf(identity, `${this.#folder}/ceiling-${performance.now()}.db`)
    using _expected = scratch.spaces.expect(this.#id)
    scratch.journal.ingest(this.#id, control, 'single')
    const start = performance.now()
    for (const batch of batches) scratch.journal.ingest(this.#id, decodeFrames(batch), 'run')
    const seconds = (performance.now() - start) / 1000
    if (dataRecords(scratch.journal, this.#id) !== data.length) throw new Error('not all records were stored')
    return { seconds, records: data.length }
  }

  /** Links to the founder through another port. */
  async relink(ticket: string, port: number): Promise<void> {
    const { transport, bus } = this.#peer
    const { issuer } = parseTicket(ticket, 0)
    await transport.disconnect(issuer, 'bench')
    const ready = bus.events.next('peer:ready', { signal: AbortSignal.timeout(10_000) })
    await transport.dial(issuer, [`/ip4/127.0.0.1/tcp/${port}`])
    await ready
    await settled()
  }

  async id(): Promise<string> {
    return this.#peer.bus.self
  }

  async pause(): Promise<void> {
    await this.#peer.sync.stop()
  }

  /** Forgets how far it followed the other's store. */
  async forgetCursor(): Promise<void> {
    this.#peer.database.exec('DELETE FROM sync_cursor')
  }

  /** Writes one record more while sync does not run. */
  async writeOne(): Promise<void> {
    const { journal } = this.#peer
    const last = this.#last
    if (last === undefined) throw new Error('no log was written here')
    const { author, name, record } = last
    const place = { space: bytesOfHex(this.#id), log: name, seq: record.header.seq + 1, prev: record.id, kind: KIND }
    const next = makeRecord(author, { ...place, text: TEXT })
    journal.ingest(this.#id, [next.frame], 'single')
    this.#last = { author, name, record: next }
  }

  /** Sync runs again. */
  async resume(): Promise<void> {
    await this.#peer.sync.start()
  }

  async awaitRecord(): Promise<void> {
    await this.#peer.journal.events.next('record:stored', { signal: AbortSignal.timeout(30_000) })
    await settled()
  }

  /** Writes records of 1 KiB, one every so often; each says when. */
  async write(records: number, everyMs: number): Promise<void> {
    const { journal } = this.#peer
    for (let n = 0; n < records; n++) {
      const next = new Promise((resolve) => setTimeout(resolve, everyMs))
      const body = { at: String(process.hrtime.bigint()), text: TEXT.slice(30) }
      await journal.append({ space: this.#id, class: LOG_CLASS.durable, kind: KIND, body })
      await next
    }
  }

  /** The times that so many records took from the call that writes them to the event here, in milliseconds. */
  async hear(records: number): Promise<readonly number[]> {
    const times: number[] = []
    const all = Promise.withResolvers<void>()
    using _hearing = this.#peer.journal.events.on('record:stored', ({ record }) => {
      times.push(Number(process.hrtime.bigint() - BigInt(String(record.body?.at ?? 0))) / 1e6)
      if (times.length === records) all.resolve()
    })
    await all.promise
    return times
  }

  async #admit(): Promise<Signer> {
    const { spaces } = this.#peer
    const identity = newIdentity()
    using half = openHalf(identity, ':memory:')
    const { ticket } = await spaces.invite(this.#id, { role: 'writer', uses: 1, ttlMs: TICKET_TTL_MS, addresses: [] })
    const outcome = await spaces.redeem(half.spaces.requestFor(parseTicket(ticket, 0), 'author'))
    if (!outcome.ok) throw new Error(outcome.message)
    return identity.device
  }

  #framesOf(author: PeerId, log: string, from: number, to: number): readonly Frame[] {
    const all: Frame[] = []
    while (from + all.length <= to) {
      const frames = this.#peer.journal.frames(this.#id, author, log, from + all.length, to)
      if (frames.length === 0) throw new Error(`the log ${hexOf(bytesOfHex(log))} has a hole`)
      all.push(...frames)
    }
    return all
  }

  get #peer(): Machine {
    if (this.#machine === undefined) throw new Error('not started')
    return this.#machine
  }

  get #id(): SpaceId {
    if (this.#space === undefined) throw new Error('no space')
    return this.#space
  }
}

/** What follows by itself is over. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, QUIET_MS))
}
