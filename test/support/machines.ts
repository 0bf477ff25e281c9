import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const CLI = join(import.meta.dirname, '../../src/cli/main.ts')

/** Why machines cannot be made here, if so. `tools` are the programs that a test needs besides `ip`. */
export function missingForMachines(...tools: readonly string[]): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux'
  if (spawnSync('ip', ['netns', 'list']).status !== 0) return 'needs network namespaces: install iproute2'
  const absent = tools.filter((tool) => spawnSync(tool, ['--version']).status !== 0)
  return absent.length === 0 ? undefined : `needs ${absent.join(' and ')}`
}

/** Machines on one: network namespaces, and a folder for the peer of each. */
export class Machines implements AsyncDisposable {
  readonly #home = mkdtempSync(join(tmpdir(), 'plexus-machines-'))
  readonly #names: readonly string[]
  readonly #started = new Set<string>()

  constructor(...names: readonly string[]) {
    this.#names = names
    for (const name of names) {
      run('ip', 'netns', 'add', space(name))
      this.ip(name, 'link', 'set', 'lo', 'up')
    }
  }

  /** A cable between two machines, plugged in as `port` on either side, with an address at each end. */
  cable(port: string, a: readonly [name: string, address: string], b: readonly [name: string, address: string]): void {
    const ends = [a, b] as const
    run('ip', 'link', 'add', port, 'netns', space(a[0]), 'type', 'veth', 'peer', 'name', port, 'netns', space(b[0]))
    for (const [name, address] of ends) {
      if (address !== '') this.ip(name, 'addr', 'add', address, 'dev', port)
      this.ip(name, 'link', 'set', port, 'up')
    }
  }

  ip(name: string, ...args: readonly string[]): void {
    run('ip', '-n', space(name), ...args)
  }

  /** What `ip netns exec` calls a machine. */
  namespaceOf(name: string): string {
    return space(name)
  }

  /** Makes a machine route what is not for it, by rules of nftables. */
  route(name: string, rules: string): void {
    this.exec(name, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward')
    this.exec(name, 'nft', rules)
  }

  exec(name: string, ...command: readonly string[]): void {
    run('ip', 'netns', 'exec', space(name), ...command)
  }

  /** Runs the command line on one machine, with nothing but its defaults. */
  plexus<T>(name: string, ...args: readonly string[]): T {
    this.#started.add(name)
    const { status, stdout, stderr } = spawnSync(
      'ip',
      ['netns', 'exec', space(name), process.execPath, CLI, ...args, '--json'],
      {
        env: { PATH: process.env.PATH, HOME: this.#home, PLEXUS_HOME: join(this.#home, name) },
        encoding: 'utf8',
      },
    )
    assert.ok(status === 0 || status === 7, `plexus ${args.join(' ')} on ${name}: ${stdout}${stderr}`)
    return JSON.parse(stdout) as T
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const name of this.#started) this.plexus(name, 'down')
    } finally {
      for (const name of this.#names) run('ip', 'netns', 'del', space(name))
      rmSync(this.#home, { recursive: true, force: true })
    }
  }
}

function space(name: string): string {
  return `px${process.pid}-${name}`
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stderr}`)
}
