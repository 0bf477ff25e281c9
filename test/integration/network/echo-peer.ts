/** A peer in a process of its own: tells its parent where it is, echoes, and in mode `stop` stops when told to. */
import { type PeerId, silentLogger, systemClock, systemRandom } from '../../../src/base/index.ts'
import { libp2pTransport } from '../../../src/network/index.ts'

export interface Hello {
  readonly peer: PeerId
  readonly addresses: readonly string[]
}

const make = libp2pTransport({ deviceSeed: systemRandom().bytes(32) })
const transport = await make({ clock: systemClock(), log: silentLogger() })
transport.handle('/plexus-test/echo/1', { maxInboundStreams: 8 }, async (channel) => {
  for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) await channel.send(chunk)
})
await transport.start()
const hello: Hello = { peer: transport.self, addresses: transport.addresses() }
process.send?.(hello)
if (process.argv[2] === 'stop') {
  process.once('message', () => {
    transport.stop().then(
      () => process.disconnect(),
      (error: unknown) => process.emit('uncaughtException', error as Error),
    )
  })
}
