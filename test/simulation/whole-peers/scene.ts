import type { Random, RecordId, SpaceId } from '../../../src/base/index.ts'
import type { Image } from './disk.ts'
import type { SimulatedPeer } from './simulated-peer.ts'
import type { World } from './world.ts'

interface Copy {
  readonly image: Image
  readonly held: ReadonlySet<RecordId>
}

/** One run: the world, and what the author of the play knows of it. */
export interface Scene {
  readonly world: World
  /** For what is done, and when. */
  readonly random: Random
  readonly space: SpaceId
  /** Whom nobody can lower or remove. */
  readonly founder: SimulatedPeer
  /** With what ticket each newcomer came. */
  readonly tickets: Map<SimulatedPeer, string>
  /** Who was told that it is a member. */
  readonly joined: Set<SimulatedPeer>
  /** Copies of disks that somebody keeps. */
  readonly copies: Map<SimulatedPeer, Copy>
  /** To be done at the next step, because it moves time. */
  readonly later: (() => Promise<void>)[]
}

/** Something that is done to the world at one moment. */
export type Action = (scene: Scene) => void | Promise<void>
