import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { PeerId } from '../../src/base/index.ts'
import type { BusEvents, PeerPresence } from '../../src/bus/index.ts'
import type { Commands } from './bus-peer.ts'

const SCRIPT = fileURLToPath(new URL('bus-peer.ts', import.meta.url))

interface Results {
  dial: undefined
  publish: Readonly<Record<string, number>>
  heard: undefined
  echo: 'answered'
  presence: PeerPresence | undefined
  figures: Readonly<Record<string, number>>
  memory: number
}

type Event = {
  readonly [Name in keyof BusEvents]: { readonly event: Name; readonly detail: BusEvents[Name] }
}[keyof BusEvents]
type Told = Event | { readonly id: number; readonly result?: unknown; readonly error?: string }

export interface BusProcessInit {
  /** Makes the device key: one byte, repeated. */
  readonly seed: number
  /** Of network, by name; the usual one by default. */
  readonly namespace?: string
  /** Default: a free port of the loopback interface. */
  readonly listen?: string
}

/** A bus in a process of its own (`bus-peer.ts`), which a test tells what to do, hears, and hurts. */
export class BusProcess implements AsyncDisposable {
  readonly peer: PeerId
  readonly addresses: readonly string[]
  readonly #child: ChildProcess
  readonly #orders = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #events: Event[] = []
  #changed: PromiseWithResolvers<void> = Promise.withResolvers()
  #count = 0

  private constructor(child: ChildProcess, hello: { readonly peer: PeerId; readonly addresses: readonly string[] }) {
    this.#child = child
    this.peer = hello.peer
    this.addresses = hello.addresses
    child.on('message', (told) => this.#hear(told as Told))
  }

  static async start(init: BusProcessInit): Promise<BusProcess> {
    const { seed, namespace, listen = '/ip4/127.0.0.1/tcp/0' } = init
    const args = ['--expose-gc', SCRIPT, seed.toString(16).padStart(2, '0').repeat(32), listen]
    const inside = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace]
    const [command = '', ...rest] = [...inside, process.execPath, ...args]
    const child = spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const [hello] = await once(child, 'message')
    return new BusProcess(child, hello)
  }

  /** Carries out an order. Rejects with the code and message of the error that it ends in. */
  async do<Name extends keyof Commands>(command: Name, input: Commands[Name]): Promise<Results[Name]> {
    const id = this.#count++
    const order = Promise.withResolvers<unknown>()
    this.#orders.set(id, order)
    this.#child.send({ id, command, input })
    return (await order.promise) as Results[Name]
  }

  /** Links to others and waits until lanes are up on both sides. */
  async connect(...others: readonly BusProcess[]): Promise<void> {
    for (const other of others) {
      await this.do('dial', other)
      await Promise.all([this.event('peer:ready', other.peer), other.event('peer:ready', this.peer)])
    }
  }

  /** The first event of this name about a peer, from now on or before; it is forgotten then. */
  async event<Name extends keyof BusEvents>(name: Name, peer: PeerId): Promise<BusEvents[Name]> {
    for (;;) {
      const index = this.#events.findIndex(
        ({ event, detail }) => event === name && 'peer' in detail && detail.peer === peer,
      )
      const [found] = index === -1 ? [] : this.#events.splice(index, 1)
      if (found !== undefined) return found.detail as BusEvents[Name]
      await this.#changed.promise
    }
  }

  kill(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.#child.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  #hear(told: Told): void {
    if ('event' in told) {
      this.#events.push(told)
      this.#changed.resolve()
      this.#changed = Promise.withResolvers()
      return
    }
    const order = this.#orders.get(told.id)
    this.#orders.delete(told.id)
    if (told.error === undefined) order?.resolve(told.result)
    else order?.reject(new Error(told.error))
  }
}
