import {
  type PeerId,
  type Random,
  randomInt,
  seededRandom,
  silentLogger,
  VirtualClock,
} from '../../../../src/base/index.ts'
import { type Admission, type Bus, createBus, type Priority, type PublishReport } from '../../../../src/bus/index.ts'
import { type Signer, signer } from '../../../../src/identity/index.ts'
import { runFor, SimulatedNetwork, simulatedTransport, type Transport } from '../../../../src/network/index.ts'
import { type Loss, lossyTransport } from './lossy-transport.ts'

export const GROUP = 'space/crowd'
export const TOPIC: string = `${GROUP}/news`
/** A second group: all but the outsiders. */
export const SECRET_GROUP = 'space/secret'
export const SECRET_TOPIC: string = `${SECRET_GROUP}/news`

export interface CrowdInit {
  readonly members: number
  /** Links of a member, on average. */
  readonly degree: number
  readonly seed: number
  readonly directMembersMax?: number
}

export interface Member {
  readonly peer: PeerId
  readonly key: Signer
  life: Life | undefined
}

export interface Heard {
  readonly from: PeerId
  readonly number: number
  readonly priority: Priority
  /** Virtual ms. */
  readonly at: number
}

/** One life of a member: from its start until it is killed. */
export class Life {
  readonly member: Member
  readonly bus: Bus
  readonly transport: Transport
  readonly heard: Heard[] = []
  readonly missed: Map<PeerId, number> = new Map()

  constructor(member: Member, bus: Bus, transport: Transport, now: () => number) {
    this.member = member
    this.bus = bus
    this.transport = transport
    bus.subscribe(TOPIC, { capacity: 100_000 }, ({ from, body, priority }) => {
      this.heard.push({ from, number: numberIn(body), priority, at: now() })
    })
    bus.events.on('messages:missed', ({ from, count }) => this.missed.set(from, count + (this.missed.get(from) ?? 0)))
  }

  get peer(): PeerId {
    return this.member.peer
  }

  /** Says a number, to all. */
  say(number: number, options: { readonly priority?: Priority; readonly bytes?: number } = {}): Promise<PublishReport> {
    const body = new Uint8Array(options.bytes ?? 64)
    new DataView(body.buffer).setUint32(0, number)
    return this.bus.publish(TOPIC, 'news', body, { priority: options.priority ?? 'normal' })
  }
}

/** Many members of one group in one process, under a virtual clock; everything follows from the seed. */
export class Crowd implements AsyncDisposable {
  readonly clock: VirtualClock = new VirtualClock()
  readonly random: Random
  readonly loss: Loss = { fraction: 0, lost: 0 }
  readonly members: readonly Member[]
  readonly network: SimulatedNetwork
  /** Everyone who was ever alive. */
  readonly lives: Life[] = []
  readonly outsiders: Set<PeerId> = new Set<PeerId>()
  readonly #init: CrowdInit
  readonly #admitted: Set<PeerId>
  /** While the network is split: who is on the one side. */
  #side: ReadonlySet<PeerId> | undefined

  constructor(init: CrowdInit) {
    this.#init = init
    this.random = seededRandom(init.seed)
    this.network = new SimulatedNetwork({}, { clock: this.clock, random: this.random, log: silentLogger() })
    this.members = Array.from({ length: init.members }, (): Member => {
      const key = signer(this.random.bytes(32))
      return { key, peer: key.peer, life: undefined }
    })
    this.#admitted = new Set(this.members.map(({ peer }) => peer))
  }

  get alive(): readonly Life[] {
    return this.members.flatMap(({ life }) => life ?? [])
  }

  memberOf(peer: PeerId): Member {
    const member = this.members.find((one) => one.peer === peer)
    if (member === undefined) throw new Error(`${peer} was never a member`)
    return member
  }

  async start(): Promise<void> {
    for (const member of this.members) await this.begin(member)
    for (const life of this.alive) this.#meet(life, this.#init.degree / 2)
    await this.pass(3000)
  }

  pass(ms: number): Promise<void> {
    return runFor(this.clock, ms)
  }

  /** A member comes up, as a new process. It knows nobody until `meet`. */
  async begin(member: Member): Promise<Life> {
    const { clock, random } = this
    const transport = lossyTransport(simulatedTransport(this.network, member.peer), this.loss, random)
    const { directMembersMax } = this.#init
    const init = { name: 'member', ...(directMembersMax === undefined ? {} : { directMembersMax }) }
    const admission = this.#admission()
    const bus = createBus(init)({ transport, admission, signer: member.key, clock, random, log: silentLogger() })
    const life = new Life(member, bus, transport, () => clock.monotonic())
    await transport.start()
    await bus.start()
    member.life = life
    this.lives.push(life)
    return life
  }

  kill(life: Life): void {
    this.network.kill(life.peer)
    life.member.life = undefined
    void life.bus.stop()
  }

  async revive(member: Member): Promise<Life> {
    const life = await this.begin(member)
    this.#meet(life, this.#init.degree / 2)
    return life
  }

  /** Who is no member any more is told nothing, and not heard. */
  expel(peer: PeerId): void {
    this.#admitted.delete(peer)
    for (const { bus } of this.alive) bus.reconsider()
  }

  /** Cuts some of the lines; one end of each looks for others. */
  cut(count: number): void {
    const alive = this.alive
    for (let n = 0; n < count; n++) {
      const one = alive[randomInt(this.random, alive.length)]
      const links = one?.transport.links() ?? []
      const link = links[randomInt(this.random, links.length)]
      if (one === undefined || link === undefined) continue
      this.network.cut(one.peer, link.peer)
      this.#meet(one, 1)
    }
  }

  /** Cuts every line between these and the others, until `heal`. */
  split(side: readonly Life[]): void {
    this.#side = new Set(side.map(({ peer }) => peer))
    for (const one of this.alive) {
      for (const { peer } of one.transport.links()) if (this.#isApart(one.peer, peer)) this.network.cut(one.peer, peer)
    }
    this.mend()
  }

  heal(): void {
    this.#side = undefined
    for (const one of this.alive) this.#meet(one, Math.ceil(this.#init.degree / 4))
    this.mend()
  }

  /** Members with too few links look for more, as the keeper of a node does. */
  mend(): void {
    for (const life of this.alive) {
      const links = life.transport.links().length
      if (links < this.#init.degree / 2) this.#meet(life, this.#init.degree / 2 - links)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.loss.fraction = 0
    const stopping = Promise.all(this.alive.map(({ bus }) => bus.stop()))
    await this.pass(3000)
    await stopping
    const down = Promise.all(this.alive.map(({ transport }) => transport.stop()))
    await this.pass(5000)
    await down
  }

  #admission(): Admission {
    const admits = (peer: PeerId): boolean => this.#admitted.has(peer)
    return {
      mayTakePart: (peer) => (admits(peer) ? { allowed: true } : { allowed: false, reason: 'no member' }),
      mayUseTopic: admits,
      mayIntroduce: () => false,
      groupOf: (topic) => [GROUP, SECRET_GROUP].find((group) => topic.startsWith(`${group}/`)),
      membersOf: (group) => {
        if (group === GROUP) return this.#admitted
        return group === SECRET_GROUP ? this.#admitted.difference(this.outsiders) : undefined
      },
    }
  }

  #isApart(a: PeerId, b: PeerId): boolean {
    return this.#side !== undefined && this.#side.has(a) !== this.#side.has(b)
  }

  /** Links a member with so many others that it is not linked with. */
  #meet(life: Life, count: number): void {
    const known = new Set(life.transport.links().map(({ peer }) => peer))
    const others = this.alive.filter((one) => {
      return one !== life && !known.has(one.peer) && !this.#isApart(one.peer, life.peer)
    })
    for (let n = 0; n < count && others.length > 0; n++) {
      const [other] = others.splice(randomInt(this.random, others.length), 1)
      if (other !== undefined) life.transport.dial(other.peer, other.transport.addresses()).catch(() => undefined)
    }
  }
}

export function numberIn(body: Uint8Array): number {
  return new DataView(body.buffer, body.byteOffset).getUint32(0)
}
