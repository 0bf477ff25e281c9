import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'

const CLI = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const COMMAND_TIMEOUT_MS = 60_000

interface Daemon {
  readonly pid: number
  readonly mcpUrl: string
}

export interface UpReport {
  readonly peer: string
  readonly addresses: readonly string[]
  readonly daemon: Daemon
}

/** A peer of the demonstration: a daemon of its own, used through the command line and MCP as anybody would. */
export class DemoPeer {
  readonly name: string
  readonly #home: string
  #report: UpReport | undefined

  constructor(name: string, home: string) {
    this.name = name
    this.#home = home
  }

  get report(): UpReport {
    if (this.#report === undefined) throw new Error(`${this.name} has not started`)
    return this.#report
  }

  /** Runs `plexus ARGS --json` for this peer and returns the object it prints; a failure carries the printed reason. */
  async plexus<T>(...args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await run([CLI, ...args, '--profile', this.name, '--json'], this.#environment())
    const printed = parse(stdout)
    const error = (printed as { error?: { code: string; message: string } } | undefined)?.error
    if (error !== undefined) throw new PeerCommandError(this.name, args, error.code, error.message)
    // 7 is "degraded": the object was printed all the same, and whoever asks looks at it.
    if (printed === undefined || (code !== 0 && code !== 7)) {
      throw new PeerCommandError(this.name, args, `exit code ${code}`, stderr.trim() || stdout.trim() || 'no output')
    }
    return printed as T
  }

  async up(): Promise<UpReport> {
    this.#report = await this.plexus<UpReport>(
      'up',
      '--listen',
      '/ip4/127.0.0.1/tcp/0',
      '--no-mdns',
      '--http-port',
      '0',
    )
    return this.#report
  }

  async down(): Promise<void> {
    await this.plexus('down')
  }

  /** Ends the daemon as a power cut would. */
  kill(): void {
    process.kill(this.report.daemon.pid, 'SIGKILL')
  }

  /** An MCP client of this peer, through the official SDK and `plexus mcp`. */
  async mcp(clientName: string): Promise<Client> {
    const client = new Client({ name: clientName, version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [CLI, 'mcp', '--profile', this.name],
      env: this.#environment(),
      stderr: 'ignore',
    })
    await client.connect(transport)
    return client
  }

  #environment(): Record<string, string> {
    return { PATH: process.env.PATH ?? '', HOME: this.#home, PLEXUS_HOME: this.#home, NO_COLOR: '1' }
  }
}

export class PeerCommandError extends Error {
  override readonly name = 'PeerCommandError'
  readonly code: string
  readonly reason: string

  constructor(peer: string, args: readonly string[], code: string, reason: string) {
    super(`${peer}> plexus ${args.join(' ').slice(0, 60)}: ${reason} (${code})`)
    this.code = code
    this.reason = reason
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function run(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ code: number | null; stdout: string; stderr: string }>()
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: COMMAND_TIMEOUT_MS })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  child.once('error', reject)
  child.once('close', (code) => resolve({ code, stdout, stderr }))
  return promise
}
