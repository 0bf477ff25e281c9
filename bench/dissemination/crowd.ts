import { type PeerId, type Random, randomInt, seededRandom, silentLogger, VirtualClock } from '../../src/base/index.ts'
import { type Admission, type Bus, createBus } from '../../src/bus/index.ts'
import { type Signer, signer } from '../../src/identity/index.ts'
import { runFor, SimulatedNetwork, simulatedTransport, type Transport } from '../../src/network/index.ts'
import { type Loss, lossyTransport } from './lossy-transport.ts'

export const GROUP = 'space/crowd'
export const TOPIC: string = `${GROUP}/news`

export interface CrowdInit {
  readonly peers: number
  /** Links of a peer, on average. */
  readonly degree: number
  readonly seed: number
  readonly directMembersMax?: number
}

/** One life of a member: from its start until it is killed. */
export interface Life {
  readonly member: Member
  readonly bus: Bus
  readonly transport: Transport
  /** Numbers heard, by virtual time. */
  readonly heard: Map<number, number>
  repeats: number
  missed: number
}

export interface Member {
  readonly peer: PeerId
  readonly key: Signer
  life: Life | undefined
}

/** Many peers of one group in one process, under a virtual clock; everything follows from the seed. */
export class Crowd {
  readonly clock: VirtualClock = new VirtualClock()
  readonly random: Random
  readonly loss: Loss = { fraction: 0, lost: 0 }
  readonly members: readonly Member[]
  readonly network: SimulatedNetwork
  /** Everyone who was ever alive. */
  readonly lives: Life[] = []
  readonly #init: CrowdInit
  readonly #admission: Admission

  constructor(init: CrowdInit) {
    this.#init = init
    this.random = seededRandom(init.seed)
    this.network = new SimulatedNetwork({}, { clock: this.clock, random: this.random, log: silentLogger() })
    this.members = Array.from({ length: init.peers }, (): Member => {
      const key = signer(this.random.bytes(32))
      return { key, peer: key.peer, life: undefined }
    })
    const all = new Set(this.members.map(({ peer }) => peer))
    this.#admission = {
      mayTakePart: () => ({ allowed: true }),
      mayUseTopic: () => true,
      mayIntroduce: () => false,
      groupOf: () => GROUP,
      membersOf: (group) => (group === GROUP ? all : undefined),
    }
  }

  get alive(): readonly Life[] {
    return this.members.flatMap(({ life }) => life ?? [])
  }

  async start(): Promise<void> {
    for (const member of this.members) await this.begin(member)
    for (const { life } of this.members) if (life !== undefined) this.#meetSome(life)
    await this.pass(3000)
  }

  pass(ms: number): Promise<void> {
    return runFor(this.clock, ms)
  }

  /** A member comes up, as a new process. It knows nobody until `join`. */
  async begin(member: Member): Promise<Life> {
    const { clock, random, loss, network } = this
    const log = silentLogger()
    const transport = lossyTransport(simulatedTransport(network, member.peer), loss, random)
    const { directMembersMax } = this.#init
    const init = { name: 'member', ...(directMembersMax === undefined ? {} : { directMembersMax }) }
    const bus = createBus(init)({ transport, admission: this.#admission, signer: member.key, clock, random, log })
    const life: Life = { member, bus, transport, heard: new Map(), repeats: 0, missed: 0 }
    bus.subscribe(TOPIC, {}, ({ body }) => {
      const number = new DataView(body.buffer, body.byteOffset).getUint32(0)
      if (life.heard.has(number)) life.repeats++
      else life.heard.set(number, clock.monotonic())
    })
    bus.events.on('messages:missed', ({ count }) => {
      life.missed += count
    })
    await transport.start()
    await bus.start()
    member.life = life
    this.lives.push(life)
    return life
  }

  kill(life: Life): void {
    this.network.kill(life.member.peer)
    life.member.life = undefined
    void life.bus.stop()
  }

  async revive(member: Member): Promise<void> {
    this.#meetSome(await this.begin(member))
  }

  /** Cuts some of the lines; both sides look for others. */
  cut(count: number): void {
    const alive = this.alive
    for (let n = 0; n < count; n++) {
      const one = alive[randomInt(this.random, alive.length)]
      const links = one?.transport.links() ?? []
      const link = links[randomInt(this.random, links.length)]
      if (one === undefined || link === undefined) continue
      this.network.cut(one.member.peer, link.peer)
      this.#meet(one, 1)
    }
  }

  /** Peers with too few links look for more, as the keeper of a node does. */
  mend(): void {
    const enough = this.#init.degree / 2
    for (const life of this.alive) {
      const links = life.transport.links().length
      if (links < enough) this.#meet(life, enough - links)
    }
  }

  async stop(): Promise<void> {
    this.loss.fraction = 0
    const stopping = Promise.all(this.alive.map(({ bus }) => bus.stop()))
    await this.pass(3000)
    await stopping
    const down = Promise.all(this.alive.map(({ transport }) => transport.stop()))
    await this.pass(5000)
    await down
  }

  #meetSome(life: Life): void {
    this.#meet(life, this.#init.degree / 2)
  }

  #meet(life: Life, count: number): void {
    const others = this.alive.filter((one) => one !== life)
    for (let n = 0; n < count && others.length > 0; n++) {
      const [other] = others.splice(randomInt(this.random, others.length), 1)
      if (other !== undefined)
        life.transport.dial(other.member.peer, other.transport.addresses()).catch(() => undefined)
    }
  }
}
