import { Remote } from '../remote.ts'
import type { Addresses, ContenderName } from './contender.ts'
import type { Side } from './side.ts'

const PROCESS = new URL('./process.ts', import.meta.url)

/** A process in which one side of one contender runs. */
export class Worker extends Remote<Side> {
  addresses: Addresses = []

  constructor(profileFolder?: string) {
    super(PROCESS, profileFolder)
  }

  /** A process that has joined; it ends with the stack. */
  static async start(stack: AsyncDisposableStack, name: ContenderName, profileFolder?: string): Promise<Worker> {
    const worker = stack.use(new Worker(profileFolder))
    worker.addresses = await worker.call('join', name)
    return worker
  }
}
