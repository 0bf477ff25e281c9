import type { Random } from '../../../../src/base/index.ts'
import type { Channel, Transport } from '../../../../src/network/index.ts'

const LENGTH_BYTES = 4

export interface Loss {
  /** Of the writes to a channel after its first, 0 to 1. May change at any time. */
  fraction: number
  lost: number
}

/**
 * A transport whose channels swallow whole writes, as a lane does that has no room, except that nobody is told. Writes that
 * are not whole frames pass: without them the stream would be garbage.
 */
export function lossyTransport(transport: Transport, loss: Loss, random: Random): Transport {
  const lossy = (channel: Channel): Channel => {
    let isFirst = true
    return new Proxy(channel, {
      get: (target, name) => {
        if (name !== 'send') return bound(target, name)
        const send: Channel['send'] = async (bytes, options) => {
          const isLost = !isFirst && random.unit() < loss.fraction && isWholeFrames(bytes)
          isFirst = false
          if (isLost) loss.lost++
          else await target.send(bytes, options)
        }
        return send
      },
    })
  }
  return new Proxy(transport, {
    get: (target, name) => {
      if (name === 'open') {
        const open: Transport['open'] = async (...args) => lossy(await target.open(...args))
        return open
      }
      if (name !== 'handle') return bound(target, name)
      const handle: Transport['handle'] = (protocol, options, run) =>
        target.handle(protocol, options, (channel) => run(lossy(channel)))
      return handle
    },
  })
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
