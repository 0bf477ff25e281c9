import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Passes bytes to a port of the loopback interface and counts them, both ways. */
export class CountingProxy implements AsyncDisposable {
  bytes = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(target: number) {
    this.#server = createServer((near) => {
      const far = connect(target, '127.0.0.1')
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from)
        from.setNoDelay(true)
        from.on('data', (data) => {
          this.bytes += data.length
          to.write(data)
        })
        from.on('error', () => to.destroy())
        from.on('close', () => to.destroy())
      }
    })
  }

  static async start(target: number): Promise<CountingProxy> {
    const proxy = new CountingProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
