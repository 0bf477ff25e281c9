import type { Addresses, ContenderName } from './contender.ts'
import { NatsServer } from './nats-server.ts'
import type { SectionOptions } from './section.ts'
import { Worker } from './worker.ts'

/** More processes than that at once only make each other slow to start. */
const STARTED_AT_ONCE = 4
/** How far from each other those are who connect in a mesh. */
const RING = [1, 2, 5, 8]

export interface GroupInit {
  readonly contender: ContenderName
  readonly subscribers: number
  /** Published messages that some subscriber has not heard yet. */
  readonly window: number
}

/** A publisher and its subscribers, each a process, connected. */
export class Group {
  readonly publisher: Worker
  readonly subscribers: readonly Worker[]
  readonly #server: NatsServer | undefined
  readonly #init: GroupInit

  private constructor(init: GroupInit, workers: readonly [Worker, ...Worker[]], server: NatsServer | undefined) {
    const [publisher, ...subscribers] = workers
    this.#init = init
    this.#server = server
    this.publisher = publisher
    this.subscribers = subscribers
    const heard = subscribers.map(() => 0)
    let everywhere = 0
    for (const [index, subscriber] of subscribers.entries()) {
      subscriber.onHeard = (count) => {
        heard[index] = count
        const least = Math.min(...heard)
        if (least > everywhere) publisher.tell('acknowledge', least)
        everywhere = least
      }
    }
  }

  /** `undefined` for NATS where there is no server of it. */
  static async open(stack: AsyncDisposableStack, init: GroupInit, options: SectionOptions): Promise<Group | undefined> {
    const server = init.contender === 'nats' ? await NatsServer.start() : undefined
    if (server !== undefined) stack.use(server)
    else if (init.contender === 'nats') return undefined
    const publisher = await Worker.start(stack, init.contender, options.profileFolder)
    const workers: [Worker, ...Worker[]] = [publisher]
    while (workers.length <= init.subscribers) {
      const count = Math.min(STARTED_AT_ONCE, init.subscribers + 1 - workers.length)
      const starts = Array.from({ length: count }, () => Worker.start(stack, init.contender, options.profileFolder))
      workers.push(...(await Promise.all(starts)))
    }
    const group = new Group(init, workers, server)
    await group.#connect()
    return group
  }

  /** Publishes 1 KiB messages until all of them are heard everywhere. `count` must be a multiple of a quarter of the window. */
  async publish(count: number): Promise<{ readonly perSecond: number; readonly cpuUsPerDelivery: number }> {
    const before = await this.#usage()
    const seconds = await this.publisher.call('publish', count, this.#init.window)
    const cpuUs = (await this.#usage()) - before
    return { perSecond: count / seconds, cpuUsPerDelivery: cpuUs / (count * this.subscribers.length) }
  }

  /** Sends 1 KiB requests to the first subscriber, `inFlight` at a time. */
  async ask(count: number, inFlight: number): Promise<{ readonly perSecond: number; readonly cpuUs: number }> {
    const before = await this.#usage()
    const { seconds } = await this.publisher.call('ask', count, inFlight)
    return { perSecond: count / seconds, cpuUs: ((await this.#usage()) - before) / count }
  }

  async #connect(): Promise<void> {
    const server = this.#server === undefined ? undefined : [[this.#server.address]]
    const tellEvery = this.#init.window / 4
    for (const subscriber of this.subscribers) {
      if (server !== undefined) await subscriber.call('connect', server)
      await subscriber.call('subscribe', tellEvery)
    }
    if (this.#init.contender === 'gossip-mesh') await this.#connectMesh()
    else await this.publisher.call('connect', server ?? this.subscribers.map(({ addresses }) => addresses))
  }

  /** Each with eight others, as in a crowd where nobody is special. */
  async #connectMesh(): Promise<void> {
    const all = [this.publisher, ...this.subscribers]
    const at = (index: number): Addresses => all[index % all.length]?.addresses ?? []
    const joining = all.map((worker, index) =>
      worker.call(
        'connect',
        RING.map((step) => at(index + step)),
      ),
    )
    await Promise.all(joining)
  }

  /** Of all its processes. */
  async #usage(): Promise<number> {
    const usages = [this.publisher, ...this.subscribers].map((worker) => worker.call('usage'))
    const own = (await Promise.all(usages)).reduce((sum, usage) => sum + usage, 0)
    return own + (this.#server?.usage() ?? 0)
  }
}
