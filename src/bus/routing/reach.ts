import type { PeerId } from '../../base/index.ts'
import { LINKS_MAX } from '../limits.ts'
import type { LinksChange } from '../presence/presence-frames.ts'

/** Who can reach whom, as our neighbours tell it: hearsay, which nothing but the choice of a way depends on. */
export class Reach {
  readonly #links = new Map<PeerId, Set<PeerId>>()

  /** Returns a sentence if a neighbour claims more links than anybody may have. */
  learn(neighbour: PeerId, { added, removed }: LinksChange): string | undefined {
    const links = this.#links.get(neighbour) ?? new Set()
    for (const peer of removed) links.delete(peer)
    for (const peer of added) links.add(peer)
    if (links.size > LINKS_MAX) return 'more links than a peer may have'
    this.#links.set(neighbour, links)
    return undefined
  }

  forget(neighbour: PeerId): void {
    this.#links.delete(neighbour)
  }

  links(neighbour: PeerId, to: PeerId): boolean {
    return this.#links.get(neighbour)?.has(to) === true
  }

  /** Neighbours that say they have a link to a peer. */
  neighboursOf(to: PeerId): readonly PeerId[] {
    return [...this.#links].filter(([, links]) => links.has(to)).map(([neighbour]) => neighbour)
  }

  /** Everybody that a neighbour has a link to. */
  peers(): ReadonlySet<PeerId> {
    return new Set([...this.#links.values()].flatMap((links) => [...links]))
  }
}
