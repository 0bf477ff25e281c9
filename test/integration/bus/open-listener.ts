import { once } from 'node:events'
import { listener } from '../../support/mesh.ts'

/** A process that listens on an open topic: tells where it can be reached, then what it hears. */
await using one = await listener(['open/news'])
one.bus.subscribe('open/**', {}, ({ kind }) => void process.send?.({ kind }))
process.send?.({ peer: one.peer, addresses: one.transport.addresses() })
await once(process, 'disconnect')
