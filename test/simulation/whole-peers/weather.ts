import { type Random, randomInt } from '../../../src/base/index.ts'
import type { Channel, Transport } from '../../../src/network/index.ts'
import { PowerCut } from './disk.ts'

const LENGTH_BYTES = 4

/** What happens to writes of whole frames on the lanes of one peer; shares of 1. May change at any time. */
export interface Weather {
  lost: number
  doubled: number
  /** Held back until the next write has passed. */
  swapped: number
}

/**
 * A transport over bad weather: writes vanish, come twice or overtake each other. The first write of a channel, the greeting,
 * and writes that are not whole frames pass: without them the stream would be garbage, and its connection closed.
 */
export function weatheredTransport(
  transport: Transport,
  weather: Weather,
  { random, life }: { readonly random: Random; readonly life: { readonly isOver: boolean } },
): Transport {
  return new Proxy(transport, {
    get: (target, name) => {
      if (name === 'open') {
        const open: Transport['open'] = async (...args) => weathered(await target.open(...args), weather, random)
        return open
      }
      if (name === 'start') {
        // What was starting when the power went must not come up afterwards.
        const start: Transport['start'] = async (options) => {
          if (life.isOver) throw new PowerCut('there is no power')
          await target.start(options)
        }
        return start
      }
      if (name !== 'handle') return bound(target, name)
      const handle: Transport['handle'] = (protocol, options, run) =>
        target.handle(protocol, options, (channel) => run(weathered(channel, weather, random)))
      return handle
    },
  })
}

/** Not a proxy: `await using` does not find the end of one. */
function weathered(channel: Channel, weather: Weather, random: Random): Channel {
  let isFirst = true
  let heldBack: Uint8Array | undefined
  const send: Channel['send'] = async (bytes, options) => {
    const isFrames = !isFirst && isWholeFrames(bytes)
    isFirst = false
    const fate = isFrames ? random.unit() : 1
    const { lost, doubled, swapped } = weather
    if (fate < lost) return
    if (heldBack === undefined && fate < lost + swapped) {
      heldBack = new Uint8Array(bytes)
      return
    }
    await channel.send(bytes, options)
    if (fate >= 1 - doubled && isFrames) await channel.send(bytes, options)
    const late = heldBack
    heldBack = undefined
    if (late !== undefined) await channel.send(late, options)
  }
  const { peer, protocol, direction, closed } = channel
  return {
    ...{ peer, protocol, direction, closed, send },
    read: (options) => channel.read(options),
    close: () => channel.close(),
    abort: (reason) => channel.abort(reason),
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  }
}

/** Private fields are the target's own: its methods must be called on it. */
function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name)
  return typeof value === 'function' ? value.bind(target) : value
}

function isWholeFrames(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at + LENGTH_BYTES <= bytes.byteLength) at += LENGTH_BYTES + view.getUint32(at)
  return at === bytes.byteLength
}

export function clearUp(weather: Weather): void {
  Object.assign(weather, { lost: 0, doubled: 0, swapped: 0 })
}

export function worsen(weather: Weather, random: Random): void {
  const share = (): number => (randomInt(random, 2) === 0 ? 0 : random.unit() * 0.2)
  Object.assign(weather, { lost: share(), doubled: share(), swapped: share() })
}
