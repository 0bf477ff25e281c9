import { type PeerId, silentLogger, systemClock, systemRandom } from '../../src/base/index.ts'
import { type Bus, createBus } from '../../src/bus/index.ts'
import { type Signer, signer } from '../../src/identity/index.ts'
import { gossipTopics, libp2pTransport, type Transport } from '../../src/network/index.ts'

export interface Listener extends AsyncDisposable {
  readonly peer: PeerId
  readonly signer: Signer
  readonly transport: Transport
  readonly bus: Bus
}

/** A bus that nobody is a member of, with open topics over gossipsub on the loopback interface. */
export async function listener(topics: readonly string[]): Promise<Listener> {
  const [clock, random, log] = [systemClock(), systemRandom(), silentLogger()]
  const deviceSeed = random.bytes(32)
  const openTopics = gossipTopics({ topics })({ clock })
  const transport = await libp2pTransport({ deviceSeed, extras: [openTopics] })({ clock, log })
  const admission = {
    mayTakePart: () => ({ allowed: false, reason: 'a stranger' }) as const,
    mayUseTopic: () => true,
    mayIntroduce: () => false,
  }
  const device = signer(deviceSeed)
  const bus = createBus({ name: 'listener' })({ transport, admission, openTopics, signer: device, clock, random, log })
  await transport.start()
  await bus.start()
  return {
    peer: transport.self,
    signer: device,
    transport,
    bus,
    [Symbol.asyncDispose]: async () => {
      await bus.stop()
      await transport.stop()
    },
  }
}
