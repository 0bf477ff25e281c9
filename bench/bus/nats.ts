import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { Contender, Ears } from './contender.ts'

const SUBJECT = 'bench'
/** Without a turn now and then the client would write nothing. */
const BATCH = 64

/** A client of a NATS server: no encryption, and whoever publishes does so once however many listen. */
export async function nats({ onMessage }: Ears): Promise<Contender> {
  let client: NatsConnection | undefined
  let published = 0
  const known = (): NatsConnection => {
    if (client === undefined) throw new Error('not connected')
    return client
  }
  return {
    addresses: [],
    connect: async ([server = []]) => {
      client = await connect({ servers: [...server] })
    },
    subscribe: async () => {
      known().subscribe(SUBJECT, { callback: onMessage })
      await known().flush()
    },
    publish: (body) => {
      known().publish(SUBJECT, body)
      return ++published % BATCH === 0 ? new Promise((resolve) => setImmediate(resolve)) : undefined
    },
  }
}
