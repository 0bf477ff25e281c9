import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What goes through in a second once it is slow. */
const SLOW_BYTES_PER_SECOND = 1024

/** A line to a TCP port on this machine that passes everything on, and at times one direction of it only very slowly. */
export class Throttle implements AsyncDisposable {
  readonly port: number
  readonly #server: ReturnType<typeof createServer>
  readonly #sockets = new Set<Socket>()
  readonly #lines = new Set<Line>()

  private constructor(server: ReturnType<typeof createServer>, target: number) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (near) => {
      const far = connect(target, '127.0.0.1')
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        // Either end may be reset: then the other goes too, and that is all there is to it.
        socket.on('error', () => undefined)
        socket.on('close', () => {
          near.destroy()
          far.destroy()
        })
      }
      this.#lines.add(new Line(near, far))
      far.pipe(near)
    })
  }

  static async to(target: number): Promise<Throttle> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Throttle(server, target)
  }

  /** From now on the far end gets 1 KiB in a second. */
  slow(): void {
    for (const line of this.#lines) line.slow()
  }

  fast(): void {
    for (const line of this.#lines) line.fast()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const line of this.#lines) line.fast()
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** From near to far. */
class Line {
  readonly #near: Socket
  readonly #far: Socket
  #tick: NodeJS.Timeout | undefined

  constructor(near: Socket, far: Socket) {
    this.#near = near
    this.#far = far
    this.fast()
  }

  slow(): void {
    this.#near.unpipe(this.#far)
    this.#near.pause()
    this.#tick ??= setInterval(() => {
      const bytes = this.#near.read(SLOW_BYTES_PER_SECOND) ?? this.#near.read()
      if (bytes !== null) this.#far.write(bytes)
    }, 1_000)
  }

  fast(): void {
    clearInterval(this.#tick)
    this.#tick = undefined
    this.#near.pipe(this.#far)
  }
}
