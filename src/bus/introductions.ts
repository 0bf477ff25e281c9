import { type CborValue, encodeCbor, isList, isPeerId, type PeerId, tryDecodeCbor } from '../base/index.ts'
import { ADDRESS_MAX_CHARS, ADDRESSES_PER_PEER } from '../network/index.ts'
import { FRAME, frame } from './frames.ts'
import { INTRODUCTION_MAX_PEERS } from './limits.ts'
import type { Admission } from './types.ts'

export interface Introduction {
  readonly peer: PeerId
  /** Multiaddr strings; not verified: dialling proves who answers. */
  readonly addresses: readonly string[]
}

export function introductionsFrame(introductions: readonly Introduction[]): Uint8Array {
  return frame(FRAME.addresses, encodeCbor(introductions.map(({ peer, addresses }) => [peer, addresses])))
}

/** `undefined` for anything malformed or beyond the limits. */
export function parseIntroductions(payload: Uint8Array): readonly Introduction[] | undefined {
  const value = tryDecodeCbor(payload)
  if (!isList(value) || value.length > INTRODUCTION_MAX_PEERS) return undefined
  const introductions = value.map(introductionOf)
  return introductions.every((one) => one !== undefined) ? introductions : undefined
}

export interface IntroducerComponents {
  readonly self: PeerId
  readonly admission: Admission
  readonly ownAddresses: () => readonly string[]
}

/**
 * Knows where the linked peers say that they listen, and decides who is told about whom: a peer hears about another only in that
 * other's own words, and only if admission allows it.
 */
export class Introducer {
  readonly #use: IntroducerComponents
  readonly #known = new Map<PeerId, readonly string[]>()
  readonly #changed = new Set<PeerId>()
  /** Of the known, where the next greeting begins. */
  #turn = 0

  constructor(components: IntroducerComponents) {
    this.#use = components
  }

  get self(): PeerId {
    return this.#use.self
  }

  addressesOf(peer: PeerId): readonly string[] {
    return this.#known.get(peer) ?? []
  }

  /** Notes what a peer said of itself. */
  learn(peer: PeerId, addresses: readonly string[]): void {
    const before = this.#known.get(peer)
    if (before?.length === addresses.length && before.every((address, index) => address === addresses[index])) return
    this.#known.set(peer, addresses)
    this.#changed.add(peer)
  }

  forget(peer: PeerId): void {
    this.#known.delete(peer)
    this.#changed.delete(peer)
  }

  ownAddressesChanged(): void {
    this.#changed.add(this.#use.self)
  }

  /** What a peer that just became ready is told: of many others, some, and each newcomer some others. */
  greeting(to: PeerId): readonly Introduction[] {
    const known = [...this.#known.keys()]
    const first = known.length < INTRODUCTION_MAX_PEERS ? 0 : this.#turn % known.length
    this.#turn = first + INTRODUCTION_MAX_PEERS - 1
    return this.#about(to, [this.#use.self, ...known.slice(first), ...known.slice(0, first)])
  }

  get hasNews(): boolean {
    return this.#changed.size > 0
  }

  /** What is new since the last call of `newsTold`; of much, the oldest part. */
  news(to: PeerId): readonly Introduction[] {
    return this.#about(to, this.#batch())
  }

  newsTold(): void {
    for (const peer of this.#batch()) this.#changed.delete(peer)
  }

  #batch(): readonly PeerId[] {
    return [...this.#changed].slice(0, INTRODUCTION_MAX_PEERS)
  }

  #about(to: PeerId, peers: Iterable<PeerId>): readonly Introduction[] {
    const { self, admission, ownAddresses } = this.#use
    const introductions: Introduction[] = []
    for (const peer of peers) {
      if (peer === to || (peer !== self && !admission.mayIntroduce(to, peer))) continue
      const addresses = peer === self ? ownAddresses() : (this.#known.get(peer) ?? [])
      const usable = addresses.filter((address) => address.length <= ADDRESS_MAX_CHARS).slice(0, ADDRESSES_PER_PEER)
      if (usable.length > 0) introductions.push({ peer, addresses: usable })
      if (introductions.length === INTRODUCTION_MAX_PEERS) break
    }
    return introductions
  }
}

const MULTIADDR = /^\/[!-~]+$/

function introductionOf(value: CborValue): Introduction | undefined {
  if (!isList(value) || value.length !== 2) return undefined
  const [peer, addresses] = value
  if (typeof peer !== 'string' || !isPeerId(peer) || !isList(addresses)) return undefined
  if (addresses.length > ADDRESSES_PER_PEER) return undefined
  const fits = (address: CborValue): address is string =>
    typeof address === 'string' && address.length <= ADDRESS_MAX_CHARS && MULTIADDR.test(address)
  return addresses.every(fits) ? { peer, addresses } : undefined
}
