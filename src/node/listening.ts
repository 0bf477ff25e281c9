import { codeOf } from '../base/index.ts'
import { type Libp2pExtra, libp2pTransport, offlineTransport, type Transport } from '../network/index.ts'
import type { AddressBook } from './address-book.ts'
import type { NetworkFactory, NodeInit } from './types.ts'

const EVERYWHERE: readonly string[] = ['/ip4/0.0.0.0/tcp/0']
const FREE_PORT = /\/tcp\/0$/

type NetworkComponents = Parameters<NetworkFactory>[0] & {
  readonly addresses: AddressBook
  /** What else runs in a libp2p node. */
  readonly extras: readonly Libp2pExtra[]
}

interface Network {
  readonly transport: Transport
  /** What was done differently from what was asked for. */
  readonly note: string | undefined
}

/** The transport that the caller chose. Only libp2p has been started by then, because it may have to try twice. */
export async function openNetwork(init: NodeInit, components: NetworkComponents): Promise<Network> {
  const { network } = init
  if (network === undefined) return await startListening(init, components)
  if (network !== false) return { transport: await network(components), note: undefined }
  return { transport: offlineTransport({ self: components.identity.device.peer })(components), note: undefined }
}

/**
 * Starts the transport where the caller says, or where it listened last time. A port that was left to chance is kept over
 * restarts, because other peers remember it; if somebody else has it by now, another is taken and that is said. A port
 * that the caller named is used or refused, never replaced.
 */
async function startListening(init: NodeInit, components: NetworkComponents): Promise<Network> {
  const { addresses, extras, identity } = components
  const deviceSeed = identity.exportDeviceSeed()
  const asked = init.listen ?? keptList(addresses, 'listen') ?? EVERYWHERE
  const mdns = init.mdns ?? addresses.setting('mdns') !== 'off'
  const port = addresses.setting('port')
  const preferred = port === undefined ? asked : asked.map((address) => address.replace(FREE_PORT, `/tcp/${port}`))
  const start = async (listen: readonly string[]): Promise<Transport> => {
    const transport = await libp2pTransport({ deviceSeed, listen, mdns, extras })(components)
    await transport.start()
    return transport
  }
  const keep = (transport: Transport): void => {
    addresses.keepSetting('listen', JSON.stringify(asked))
    addresses.keepSetting('mdns', mdns ? 'on' : 'off')
    const listeningOn = portOf(transport.addresses())
    if (listeningOn !== undefined && asked.some((address) => FREE_PORT.test(address)))
      addresses.keepSetting('port', listeningOn)
  }
  try {
    const transport = await start(preferred)
    keep(transport)
    return { transport, note: undefined }
  } catch (error) {
    if (codeOf(error) !== 'ERR_ADDRESS_IN_USE' || preferred === asked || preferred.join() === asked.join()) throw error
    const transport = await start(asked)
    keep(transport)
    const now = portOf(transport.addresses()) ?? '?'
    return { transport, note: `port ${port} of last time is taken; this peer now listens on ${now}` }
  }
}

function keptList(addresses: AddressBook, name: string): readonly string[] | undefined {
  const value = addresses.setting(name)
  return value === undefined ? undefined : (JSON.parse(value) as readonly string[])
}

function portOf(addresses: readonly string[]): string | undefined {
  return addresses.map((address) => /\/tcp\/(\d+)/.exec(address)?.[1]).find((port) => port !== undefined)
}
