import { join } from 'node:path'
import type { PeerId, RecordId, VirtualClock } from '../../../src/base/index.ts'
import type { PlexusNode } from '../../../src/node/index.ts'
import { seededFor } from './chance.ts'
import { type CrashPlan, Disk } from './disk.ts'
import { PeerClock } from './peer-clock.ts'
import type { Weather } from './weather.ts'

export interface SimulatedPeerInit {
  readonly number: number
  readonly seed: number
  readonly root: string
  readonly clock: VirtualClock
  /** A second machine with the key of another answers elsewhere. */
  readonly address?: string
  readonly onCrash: (peer: SimulatedPeer, plan: CrashPlan | 'now') => void
}

/** A machine with a disk, a clock and, while it has power, a peer on it. */
export class SimulatedPeer {
  readonly number: number
  readonly name: string
  readonly disk: Disk
  readonly weather: Weather = { lost: 0, doubled: 0, swapped: 0 }
  readonly address: string | undefined
  readonly #base: VirtualClock
  clock: PeerClock
  /** Known once it has started for the first time. */
  id: PeerId | undefined
  node: PlexusNode | undefined
  /** Starts of it, which tell its sequences of random numbers apart. */
  starts = 0
  /** Does not keep to the protocol, or shares its key with another machine: nothing is promised to it. */
  isHonest = true
  /** The latest date of a record that this process has stored. */
  newestSeen = 0
  /** Settles when the power goes. */
  readonly #powerCuts: (() => void)[] = []
  /** What its journal said that it stored, since its disk was last replaced. */
  readonly held: Set<RecordId> = new Set()

  constructor(init: SimulatedPeerInit) {
    this.number = init.number
    this.name = `peer ${init.number}`
    this.address = init.address
    this.#base = init.clock
    this.clock = new PeerClock(init.clock, 0)
    const random = seededFor(init.seed, 'disk', init.number)
    this.disk = new Disk(join(init.root, String(init.number)), random, (plan) => init.onCrash(this, plan))
  }

  get isUp(): boolean {
    return this.node !== undefined
  }

  /** A process begins, with a clock as wrong as the last one; it ends with the power. */
  begin(): { readonly isOver: boolean } {
    this.starts++
    this.newestSeen = 0
    this.clock = new PeerClock(this.#base, this.clock.errorMs)
    return this.clock
  }

  powerCut(): Promise<void> {
    return new Promise((resolve) => {
      this.#powerCuts.push(resolve)
    })
  }

  /** Ends everything that is left of the process. */
  die(): void {
    this.clock.end()
    this.node = undefined
    for (const tell of this.#powerCuts.splice(0)) tell()
  }
}
