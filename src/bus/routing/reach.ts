import type { PeerId } from '../../base/index.ts'
import { LINKS_MAX } from '../limits.ts'
import type { LinksChange } from '../presence/presence-frames.ts'

/** Who can reach whom, as our neighbours tell it: hearsay, which nothing but the choice of a way depends on. */
export class Reach {
  readonly #links = new Map<PeerId, Set<PeerId>>()
  /** The same, the other way round. */
  readonly #neighbours = new Map<PeerId, Set<PeerId>>()

  /** Returns a sentence if a neighbour claims more links than anybody may have. */
  learn(neighbour: PeerId, { added, removed }: LinksChange): string | undefined {
    const links = this.#links.get(neighbour) ?? new Set()
    this.#links.set(neighbour, links)
    for (const peer of removed) {
      links.delete(peer)
      this.#remove(peer, neighbour)
    }
    for (const peer of added) {
      if (links.size >= LINKS_MAX && !links.has(peer)) return 'more links than a peer may have'
      links.add(peer)
      this.#neighbours.set(peer, (this.#neighbours.get(peer) ?? new Set()).add(neighbour))
    }
    return undefined
  }

  forget(neighbour: PeerId): void {
    for (const peer of this.#links.get(neighbour) ?? []) this.#remove(peer, neighbour)
    this.#links.delete(neighbour)
  }

  links(neighbour: PeerId, to: PeerId): boolean {
    return this.#links.get(neighbour)?.has(to) === true
  }

  /** Neighbours that say they have a link to a peer. */
  neighboursOf(to: PeerId): readonly PeerId[] {
    return [...(this.#neighbours.get(to) ?? [])]
  }

  /** Everybody that a neighbour has a link to. */
  peers(): Iterable<PeerId> {
    return this.#neighbours.keys()
  }

  #remove(peer: PeerId, neighbour: PeerId): void {
    const neighbours = this.#neighbours.get(peer)
    neighbours?.delete(neighbour)
    if (neighbours?.size === 0) this.#neighbours.delete(peer)
  }
}
