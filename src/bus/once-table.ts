import type { PeerId } from '../base/index.ts'
import { BusError } from './errors.ts'
import { ONCE_ENTRIES_MAX, ONCE_GRACE_MS, ONCE_PER_PEER, ONCE_PER_PEER_BYTES, ONCE_TOTAL_BYTES } from './limits.ts'
import type { Scope } from './scope.ts'

/** What a request came to: an answer or an error, as the body of its frame. */
export interface Reply {
  readonly isError: boolean
  readonly body: Uint8Array
}

interface Entry {
  readonly scope: Scope
  reply: Reply | 'forgotten' | undefined
  /** Takes the reply to where the request was last asked from; `forgotten` if it was too large to be kept. */
  send: (reply: Reply | 'forgotten') => void
}

interface Shelf {
  /** By id, the oldest first. */
  readonly entries: Map<string, Entry>
  bytes: number
}

/**
 * Requests that may be asked again: the same id of the same peer runs its responder once, and is answered as often as it is
 * asked. That a request ran is remembered until its asker's deadline has passed, whatever else happens: without room
 * for that it does not begin. Its answer may be forgotten sooner; each peer's answers make room for its own.
 */
export class OnceTable {
  readonly #shelves = new Map<PeerId, Shelf>()
  #size = 0
  #bytes = 0

  get size(): number {
    return this.#size
  }

  /** Bytes of the answers that are kept. */
  get bytes(): number {
    return this.#bytes
  }

  /** Was this asked before? Then what it comes to goes to `send` from now on. */
  join(peer: PeerId, id: string, send: Entry['send']): boolean {
    const entry = this.#shelves.get(peer)?.entries.get(id)
    if (entry === undefined) return false
    entry.send = send
    if (entry.reply !== undefined) send(entry.reply)
    return true
  }

  /** Notes a new request; false if there is no room. */
  begin(peer: PeerId, id: string, scope: Scope, send: Entry['send']): boolean {
    const shelf = this.#shelves.get(peer) ?? { entries: new Map(), bytes: 0 }
    if (shelf.entries.size >= ONCE_PER_PEER || this.#size >= ONCE_ENTRIES_MAX) return false
    this.#shelves.set(peer, shelf)
    shelf.entries.set(id, { scope, reply: undefined, send })
    this.#size++
    return true
  }

  /** What the run of `scope` came to; nothing, if that run was given up and its id belongs to another. */
  finish(peer: PeerId, id: string, scope: Scope, reply: Reply): void {
    const shelf = this.#shelves.get(peer)
    const entry = shelf?.entries.get(id)
    if (shelf === undefined || entry?.scope !== scope || entry.reply !== undefined) return
    this.#keep(shelf, entry, reply)
    entry.send(reply)
  }

  /** The asker does not want the answer, or has it. */
  release(peer: PeerId, id: string): void {
    const shelf = this.#shelves.get(peer)
    const entry = shelf?.entries.get(id)
    if (shelf === undefined || entry === undefined) return
    entry.scope.abort(new BusError('ERR_REQUEST_CANCELLED', 'the asker cancelled'))
    this.#remove(peer, shelf, id, entry)
  }

  /** Ends what nobody waits for any more, and forgets what cannot be asked again. */
  expire(now: number): void {
    for (const [peer, shelf] of this.#shelves) {
      for (const [id, entry] of shelf.entries) {
        const { scope } = entry
        if (scope.deadline > now) continue
        scope.abort(new BusError('ERR_REQUEST_TIMEOUT', 'the deadline of the request passed'))
        if (scope.deadline + ONCE_GRACE_MS <= now) this.#remove(peer, shelf, id, entry)
      }
    }
  }

  clear(reason: BusError): void {
    for (const { entries } of this.#shelves.values()) for (const { scope } of entries.values()) scope.abort(reason)
    this.#shelves.clear()
    this.#size = 0
    this.#bytes = 0
  }

  #keep(shelf: Shelf, entry: Entry, reply: Reply): void {
    entry.reply = reply
    shelf.bytes += reply.body.byteLength
    this.#bytes += reply.body.byteLength
    for (const oldest of shelf.entries.values()) {
      if (shelf.bytes <= ONCE_PER_PEER_BYTES && this.#bytes <= ONCE_TOTAL_BYTES) return
      this.#empty(shelf, oldest)
    }
  }

  #empty(shelf: Shelf, entry: Entry): void {
    if (entry.reply === undefined || entry.reply === 'forgotten') return
    shelf.bytes -= entry.reply.body.byteLength
    this.#bytes -= entry.reply.body.byteLength
    entry.reply = 'forgotten'
  }

  #remove(peer: PeerId, shelf: Shelf, id: string, entry: Entry): void {
    this.#empty(shelf, entry)
    shelf.entries.delete(id)
    this.#size--
    if (shelf.entries.size === 0) this.#shelves.delete(peer)
  }
}
