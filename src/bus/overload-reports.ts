import type { Events, PeerId } from '../base/index.ts'
import type { BusEvents, Lane } from './types.ts'

/** Tells about messages dropped at full lanes: the first at once, the rest summed up, so that overload is not made worse by reports. */
export class OverloadReports {
  readonly #events: Events<BusEvents>
  readonly #since = new Map<PeerId, Map<Lane, number>>()

  constructor(components: { readonly events: Events<BusEvents> }) {
    this.#events = components.events
  }

  note(peer: PeerId, lane: Lane): void {
    const lanes = this.#since.get(peer) ?? new Map<Lane, number>()
    const dropped = lanes.get(lane)
    this.#since.set(peer, lanes.set(lane, (dropped ?? -1) + 1))
    if (dropped === undefined) this.#events.emit('overload', { peer, lane, dropped: 1 })
  }

  /** Reports what was dropped since the last call. */
  flush(): void {
    for (const [peer, lanes] of this.#since) {
      for (const [lane, dropped] of lanes) if (dropped > 0) this.#events.emit('overload', { peer, lane, dropped })
    }
    this.#since.clear()
  }
}
