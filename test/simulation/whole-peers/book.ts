import type { PeerId, RecordId, SpaceId } from '../../../src/base/index.ts'
import type { LogClass, StoredRecord } from '../../../src/records/index.ts'
import type { SimulatedPeer } from './simulated-peer.ts'

/** A record whose author was told that it is on disk. */
export interface Acknowledged {
  readonly id: RecordId
  readonly space: SpaceId
  readonly author: PeerId
  readonly class: LogClass
  readonly log: string
  readonly seq: number
  /** Milliseconds since 1970; 0 for never. */
  readonly exp: number
}

/** What the simulator itself knows of the run, written down apart from what any peer believes. */
export class Book {
  readonly acknowledged: Map<RecordId, Acknowledged> = new Map()
  /** The lowest place at which a log was seen to fork. */
  readonly forks: Map<string, number> = new Map()
  /** How often each kind of thing happened. */
  readonly counts: Map<string, number> = new Map()

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  acknowledge({ id, space, author, class: logClass, log, seq, exp }: StoredRecord): void {
    this.acknowledged.set(id, { id, space, author, class: logClass, log, seq, exp })
  }

  forked(fork: { readonly author: PeerId; readonly log: string; readonly seq: number }): void {
    const key = `${fork.author} ${fork.log}`
    this.forks.set(key, Math.min(this.forks.get(key) ?? fork.seq, fork.seq))
  }

  isBeyondFork({ author, log, seq }: Acknowledged): boolean {
    return seq >= (this.forks.get(`${author} ${log}`) ?? Number.POSITIVE_INFINITY)
  }

  /**
   * A disk was replaced by an old copy: what its owner wrote since is with others or with nobody, and no program can promise that
   * it comes back.
   */
  forget({ id: author, held }: SimulatedPeer): number {
    const before = this.acknowledged.size
    for (const record of this.acknowledged.values()) {
      if (record.author === author && !held.has(record.id)) this.acknowledged.delete(record.id)
    }
    return before - this.acknowledged.size
  }
}
