import { type Clock, jitter, type PeerId, type Random, type Timer } from '../../base/index.ts'
import type { Dialogue } from '../dialogue.ts'
import { LINK_NEWS_MS } from '../limits.ts'
import { linksFrame } from '../presence/presence-frames.ts'
import type { Admission } from '../types.ts'

export interface LinkNewsComponents {
  readonly admission: Admission
  /** Ready peers. */
  readonly dialogues: ReadonlyMap<PeerId, Dialogue>
  readonly clock: Clock
  readonly random: Random
}

/** How far around `LINK_NEWS_MS` the news of different peers are spread. */
const SPREAD = 0.5

/**
 * Tells our neighbours which ready links we have, as far as they may know of who is at the other end: everything to a new
 * one, and then what changed, together, after a moment of its own length.
 */
export class LinkNews {
  readonly #use: LinkNewsComponents
  /** What each neighbour was told that we have. */
  readonly #told = new Map<PeerId, Set<PeerId>>()
  /** Neighbours that are to be told everything. */
  readonly #fresh = new Set<PeerId>()
  readonly #changed = new Set<PeerId>()
  #timer: Timer | undefined

  constructor(components: LinkNewsComponents) {
    this.#use = components
  }

  welcome(peer: PeerId): void {
    this.#told.set(peer, new Set())
    this.#fresh.add(peer)
    this.changed(peer)
  }

  farewell(peer: PeerId): void {
    this.#told.delete(peer)
    this.#fresh.delete(peer)
    this.changed(peer)
  }

  /** Our link to a peer is not what it was. */
  changed(peer: PeerId): void {
    this.#changed.add(peer)
    this.#arm()
  }

  /** Membership changed: what may be told is not what it was. */
  reconsider(): void {
    for (const peer of this.#told.keys()) this.#fresh.add(peer)
    if (this.#fresh.size > 0) this.#arm()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#told.clear()
    this.#fresh.clear()
    this.#changed.clear()
  }

  #arm(): void {
    this.#timer ??= this.#use.clock.setTimer(jitter(this.#use.random, LINK_NEWS_MS, SPREAD), () => {
      this.#timer = undefined
      for (const [to, told] of this.#told) this.#tell(to, told)
      this.#fresh.clear()
      this.#changed.clear()
    })
  }

  #tell(to: PeerId, told: Set<PeerId>): void {
    const { dialogues } = this.#use
    const about = this.#fresh.has(to) ? new Set([...told, ...dialogues.keys()]) : this.#changed
    const [added, removed]: [PeerId[], PeerId[]] = [[], []]
    for (const peer of about) {
      const tells = this.#mayTell(to, peer)
      if (tells === told.has(peer)) continue
      if (tells) added.push(peer)
      else removed.push(peer)
    }
    if (added.length + removed.length === 0) return
    for (const peer of added) told.add(peer)
    for (const peer of removed) told.delete(peer)
    dialogues.get(to)?.sayLinks(linksFrame({ added, removed }))
  }

  #mayTell(to: PeerId, about: PeerId): boolean {
    const { admission, dialogues } = this.#use
    const dialogue = dialogues.get(about)
    return about !== to && dialogue?.isSuspected === false && admission.mayIntroduce(to, about)
  }
}
