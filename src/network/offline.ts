import { type Clock, type Logger, type PeerId, silentLogger, systemClock } from '../base/index.ts'
import type { Carrier, Connection } from './carrier.ts'
import { NetworkError } from './errors.ts'
import { StreamTransport } from './stream-transport.ts'
import type { Transport } from './transport.ts'

/** Listens nowhere and reaches nobody. */
const NOBODY: Carrier = {
  start: async () => undefined,
  stop: async () => undefined,
  addresses: () => [],
  connect: async (): Promise<Connection> => {
    throw new NetworkError('ERR_UNREACHABLE', 'this peer runs without a network')
  },
  alsoAt: () => undefined,
  handle: () => undefined,
  complaint: () => undefined,
  figures: () => ({}),
}

/** The transport of a peer without a network: opens no socket, and every dial is refused with that reason. */
export function offlineTransport(init: {
  readonly self: PeerId
}): (components?: { readonly clock?: Clock; readonly log?: Logger }) => Transport {
  return ({ clock = systemClock(), log = silentLogger() } = {}) =>
    new StreamTransport(init.self, NOBODY, { clock, log })
}
