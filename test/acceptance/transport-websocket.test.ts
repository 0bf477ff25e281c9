import { libp2pBench } from './libp2p-bench.ts'
import { transportSuite } from './transport.ts'

transportSuite('libp2p over WebSockets', () => libp2pBench('/ws'))
