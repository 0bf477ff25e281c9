import { bytesEqual, hexOf, type PeerId } from '../base/index.ts'
import { GROUPS, type Group, type Summary } from './log-index.ts'
import type { Holdings } from './wire.ts'

interface Acquaintance {
  theirs: Holdings | undefined
  /** What we last said to it of what we hold. */
  told: string
  inStep: boolean
}

/**
 * What peers hold as a whole and what they know that we hold. A peer that was once in step stays it until it turns out to
 * hold something that we lack: between two statements both of us may grow.
 */
export class Parity {
  readonly #summaryOf: (group: Group) => Summary | undefined
  readonly #peers = new Map<PeerId, Acquaintance>()
  /** Peers who may not know what we hold by now. */
  readonly #untold = new Set<PeerId>()

  /** `summaryOf`: what we hold of a group that we keep. */
  constructor(summaryOf: (group: Group) => Summary | undefined) {
    this.#summaryOf = summaryOf
  }

  theirs(peer: PeerId): Holdings | undefined {
    return this.#peers.get(peer)?.theirs
  }

  /** The peer says what it holds. True if we hold the same. */
  learn(peer: PeerId, theirs: Holdings): boolean {
    this.#of(peer).theirs = theirs
    return GROUPS.every((group) => this.isSame(theirs, group))
  }

  /** A group that one of us does not keep is nothing to differ in. */
  isSame(theirs: Holdings, group: Group): boolean {
    const [ours, other] = [this.#summaryOf(group), theirs[group]]
    if (ours === undefined || other === undefined || other.keeps === 'nothing') return true
    return ours.logs === other.logs && bytesEqual(ours.fingerprint, other.fingerprint)
  }

  /** The peer is told what we hold, here and now. */
  noteTold(peer: PeerId): void {
    this.#of(peer).told = this.#ours()
  }

  /** The peer should know what we hold. */
  mention(peer: PeerId): void {
    this.#untold.add(peer)
  }

  mentionToAllBehind(): void {
    for (const [peer, { inStep }] of this.#peers) if (!inStep) this.#untold.add(peer)
  }

  /** The peer holds something that we lack. */
  fallBehind(peer: PeerId): void {
    this.#of(peer).inStep = false
  }

  forget(peer: PeerId): void {
    this.#peers.delete(peer)
    this.#untold.delete(peer)
  }

  inStepWith(): readonly PeerId[] {
    return [...this.#peers].filter(([, { inStep }]) => inStep).map(([peer]) => peer)
  }

  /** Peers who have come in step with us since the last call. They may know less of us than we of them. */
  takeNewInStep(): readonly PeerId[] {
    const fresh = [...this.#peers].filter(([, { inStep, theirs }]) => {
      return !inStep && theirs !== undefined && GROUPS.every((group) => this.isSame(theirs, group))
    })
    for (const [peer, acquaintance] of fresh) {
      acquaintance.inStep = true
      this.#untold.add(peer)
    }
    return fresh.map(([peer]) => peer)
  }

  /** Peers to say DONE to: those who should know what we hold and were last told something else. */
  takeUntold(): readonly PeerId[] {
    if (this.#untold.size === 0) return []
    const ours = this.#ours()
    const peers = [...this.#untold].filter((peer) => this.#of(peer).told !== ours)
    for (const peer of peers) this.#of(peer).told = ours
    this.#untold.clear()
    return peers
  }

  #ours(): string {
    return GROUPS.map((group) => hexOf(this.#summaryOf(group)?.fingerprint ?? new Uint8Array())).join()
  }

  #of(peer: PeerId): Acquaintance {
    const known = this.#peers.get(peer)
    if (known !== undefined) return known
    const acquaintance: Acquaintance = { theirs: undefined, told: '', inStep: false }
    this.#peers.set(peer, acquaintance)
    return acquaintance
  }
}
