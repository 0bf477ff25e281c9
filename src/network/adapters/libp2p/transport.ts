import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { BaseError, peerIdOfKey } from '../../../base/index.ts'
import { SEED_BYTES } from '../../../identity/index.ts'
import { StreamTransport } from '../../stream-transport.ts'
import type { Transport } from '../../transport.ts'
import { Libp2pCarrier } from './carrier.ts'
import {
  DEFAULT_LAN_SERVICE,
  DEFAULT_LISTEN,
  type Libp2pTransportComponents,
  type Libp2pTransportInit,
} from './load.ts'
import type { ExtraServices } from './options.ts'

export async function createTransport(
  init: Libp2pTransportInit & { readonly deviceSeed: Uint8Array },
  components: Required<Libp2pTransportComponents>,
): Promise<Transport> {
  if (init.deviceSeed.byteLength !== SEED_BYTES) {
    throw new BaseError(
      'ERR_INVALID_ARGUMENT',
      `a device seed has ${SEED_BYTES} bytes, not ${init.deviceSeed.byteLength}`,
    )
  }
  const privateKey = await generateKeyPairFromSeed('Ed25519', init.deviceSeed)
  const services: ExtraServices = {}
  for (const extra of init.extras ?? []) services[extra.name] = await extra.load()
  const carrier = new Libp2pCarrier(
    {
      privateKey,
      listen: init.listen ?? DEFAULT_LISTEN,
      lanService: init.mdns === true ? (init.lanService ?? DEFAULT_LAN_SERVICE) : undefined,
      services,
    },
    components,
  )
  return new StreamTransport(peerIdOfKey(privateKey.publicKey.raw), carrier, components)
}
