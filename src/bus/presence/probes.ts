import { type Clock, type PeerId, type Random, randomInt } from '../../base/index.ts'
import { Allowance } from '../allowance.ts'
import type { Counters } from '../counters.ts'
import type { Dialogue } from '../dialogue.ts'
import { PROBE_HELPERS, PROBES_BURST, PROBES_PER_SECOND } from '../limits.ts'
import type { Reach } from '../routing/reach.ts'
import type { Admission } from '../types.ts'
import { type Probe, probedFrame, probeFrame } from './presence-frames.ts'

export interface ProbesComponents {
  readonly admission: Admission
  /** Ready peers. */
  readonly dialogues: ReadonlyMap<PeerId, Dialogue>
  readonly reach: Reach
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
}

/** What we asked others about one silent peer. */
interface Inquiry {
  readonly token: number
  readonly asked: Set<PeerId>
}

/**
 * Asks members of a common space to reach a silent peer for us, and does it for them. One frame in makes at most one ping
 * out, pings to one peer are shared by all who ask, and each may ask only so often: nobody is amplified.
 */
export class Probes {
  readonly #use: ProbesComponents
  readonly #inquiries = new Map<PeerId, Inquiry>()
  readonly #allowances = new Allowance({ burst: PROBES_BURST, perSecond: PROBES_PER_SECOND })
  readonly #pings = new Map<PeerId, Promise<boolean>>()
  #token = 0

  constructor(components: ProbesComponents) {
    this.#use = components
  }

  /** Asks the next few who have not been asked yet; first those who say that they have a link to it. */
  ask(about: PeerId): void {
    const { dialogues, reach, counters } = this.#use
    const inquiry = this.#inquiries.get(about) ?? { token: this.#nextToken(), asked: new Set<PeerId>() }
    this.#inquiries.set(about, inquiry)
    const able = this.#shuffled(this.#helpers(about).filter((peer) => !inquiry.asked.has(peer)))
    const [linked, others] = [
      able.filter((peer) => reach.links(peer, about)),
      able.filter((p) => !reach.links(p, about)),
    ]
    for (const peer of [...linked, ...others].slice(0, PROBE_HELPERS)) {
      inquiry.asked.add(peer)
      counters.probesOut++
      dialogues.get(peer)?.tell(probeFrame({ token: inquiry.token, about }))
    }
  }

  /** Nothing more is to be learned: it was heard, or is gone. */
  forget(about: PeerId): void {
    this.#inquiries.delete(about)
  }

  /** A peer that we asked reached somebody. */
  onProbed(by: PeerId, token: number): void {
    for (const [about, inquiry] of this.#inquiries) {
      if (inquiry.token === token && inquiry.asked.has(by)) this.#use.dialogues.get(about)?.vouched(by)
    }
  }

  /** Reaches a peer for another, if both may know of each other and that one does not ask too often. */
  onProbe(asker: Dialogue, { token, about }: Probe): void {
    const { admission, dialogues, counters, clock } = this.#use
    const { peer } = asker.session
    const target = dialogues.get(about)
    const hasLeft = this.#allowances.spend(peer, 1, clock.monotonic())
    if (about === peer || !hasLeft || !admission.mayIntroduce(peer, about)) {
      counters.probesRefused++
      return
    }
    if (target === undefined) return
    void this.#answers(target).then((does) => {
      if (does && dialogues.get(peer) === asker) asker.tell(probedFrame(token))
    })
  }

  /** Does it answer a ping? One at a time, however many ask. Never rejects. */
  #answers(target: Dialogue): Promise<boolean> {
    const { peer } = target.session
    const known = this.#pings.get(peer)
    if (known !== undefined) return known
    const ping = target.heartbeat.ping(undefined).then(
      () => true,
      () => false,
    )
    this.#pings.set(peer, ping)
    void ping.then(() => this.#pings.delete(peer))
    return ping
  }

  #helpers(about: PeerId): PeerId[] {
    const { admission, dialogues } = this.#use
    return [...dialogues.values()]
      .filter(({ session: { peer }, isSuspected }) => {
        return peer !== about && !isSuspected && admission.mayIntroduce(peer, about)
      })
      .map(({ session }) => session.peer)
  }

  #shuffled(peers: PeerId[]): PeerId[] {
    for (let last = peers.length - 1; last > 0; last--) {
      const other = randomInt(this.#use.random, last + 1)
      const [a, b] = [peers[last] as PeerId, peers[other] as PeerId]
      peers[last] = b
      peers[other] = a
    }
    return peers
  }

  #nextToken(): number {
    this.#token = (this.#token + 1) >>> 0
    return this.#token
  }
}
