import type { PeerId } from '../../base/index.ts'
import { RANGES_MAX } from '../limits.ts'
import type { Priority } from '../types.ts'
import { Inflow, type NumberRange } from './inflow.ts'
import type { Claim, StreamName } from './tree-frames.ts'

/** Neighbours that are asked for what is missing of one stream. */
const SOURCES_MAX = 8

export interface Question {
  readonly peer: PeerId
  readonly ranges: readonly NumberRange[]
}

/** A claim, and whose stream it is about. */
export interface ClaimOf extends Claim {
  readonly from: PeerId
}

export interface TreeStreamInit extends StreamName {
  readonly priority: Priority
  readonly from: PeerId
}

/** What one peer knows of one stream of a group: what has come, who has what, whom to ask. */
export class TreeStream implements StreamName {
  readonly author: Uint8Array
  readonly prefix: string
  readonly priority: Priority
  readonly from: PeerId
  readonly inflow: Inflow = new Inflow()
  /** How many hops the highest number came, and from whom; nobody for our own. */
  round = 0
  parent: PeerId | undefined
  /** Monotonic ms; then it may be forgotten. */
  keepUntil = 0
  /** When the next peer is asked for what is missing. */
  askAt: number = Number.POSITIVE_INFINITY
  /** The highest number that each neighbour has, or has been told of. */
  readonly #told = new Map<PeerId, number>()
  /** Neighbours that should have what is missing; the next to be asked is the first. */
  #sources: PeerId[] = []

  constructor(init: TreeStreamInit) {
    this.author = init.author
    this.prefix = init.prefix
    this.priority = init.priority
    this.from = init.from
  }

  get claim(): ClaimOf {
    const { author, from, prefix, priority, round } = this
    return { author, from, prefix, priority, head: this.inflow.highest, round }
  }

  isNewsTo(peer: PeerId): boolean {
    return (this.#told.get(peer) ?? 0) < this.inflow.highest
  }

  told(peer: PeerId, number: number): void {
    if ((this.#told.get(peer) ?? 0) < number) this.#told.set(peer, number)
  }

  /** The peer did not get it after all. */
  untold(peer: PeerId): void {
    this.#told.delete(peer)
  }

  addSource(peer: PeerId): void {
    if (this.#sources.length < SOURCES_MAX && !this.#sources.includes(peer)) this.#sources.push(peer)
  }

  /** Whom to ask for what has been missing since `before` or longer: the sources in turn, or else `anyone`. */
  nextQuestion(before: number, anyone: PeerId | undefined): Question | undefined {
    for (let turn = 0; turn < this.#sources.length; turn++) {
      const peer = this.#sources.shift() as PeerId
      this.#sources.push(peer)
      const ranges = this.inflow.wanted(peer, before, RANGES_MAX)
      if (ranges.length > 0) return { peer, ranges }
    }
    const ranges = anyone === undefined ? [] : this.inflow.wanted(anyone, before, RANGES_MAX)
    return anyone === undefined || ranges.length === 0 ? undefined : { peer: anyone, ranges }
  }

  settled(): void {
    this.#sources = []
    this.askAt = Number.POSITIVE_INFINITY
  }

  forget(peer: PeerId): void {
    this.inflow.forget(peer)
    this.#told.delete(peer)
    this.#sources = this.#sources.filter((one) => one !== peer)
  }
}
