import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../../support/profiles.ts'

const CLI = join(import.meta.dirname, '../../../src/cli/main.ts')

const missing =
  process.platform !== 'linux' || process.getuid?.() !== 0
    ? 'needs root on Linux'
    : spawnSync('ip', ['netns', 'list']).status === 0
      ? undefined
      : 'needs network namespaces: install iproute2'
if (missing !== undefined) console.warn(`SKIPPED: two machines, one cable: ${missing}`)

/** Two hosts of their own kind of network, joined by one cable, each with its own addresses and nothing else. */
class Hosts implements AsyncDisposable {
  readonly #home = mkdtempSync(join(tmpdir(), 'plexus-hosts-'))
  readonly #names: readonly [string, string]

  constructor() {
    this.#names = [`px${process.pid}a`, `px${process.pid}b`]
    const [a, b] = this.#names
    for (const name of this.#names) ip('netns', 'add', name)
    ip('link', 'add', 'cable', 'netns', a, 'type', 'veth', 'peer', 'name', 'cable', 'netns', b)
    for (const [index, name] of this.#names.entries()) {
      ip('-n', name, 'addr', 'add', `10.77.0.${index + 1}/24`, 'dev', 'cable')
      ip('-n', name, 'link', 'set', 'lo', 'up')
    }
    this.cable('up')
  }

  cable(state: 'up' | 'down'): void {
    for (const name of this.#names) {
      ip('-n', name, 'link', 'set', 'cable', state)
      if (state === 'up') ip('-n', name, 'route', 'replace', 'default', 'dev', 'cable')
    }
  }

  /** Runs the command line on one host, with nothing but its defaults. */
  plexus<T>(host: 0 | 1, ...args: readonly string[]): T {
    const { status, stdout, stderr } = spawnSync(
      'ip',
      ['netns', 'exec', this.#names[host], process.execPath, CLI, ...args, '--json'],
      {
        env: { PATH: process.env.PATH, HOME: this.#home, PLEXUS_HOME: join(this.#home, String(host)) },
        encoding: 'utf8',
      },
    )
    assert.ok(status === 0 || status === 7, `plexus ${args.join(' ')} on host ${host}: ${stdout}${stderr}`)
    return JSON.parse(stdout) as T
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const host of [0, 1] as const) this.plexus(host, 'down')
    } finally {
      for (const name of this.#names) ip('netns', 'del', name)
      rmSync(this.#home, { recursive: true, force: true })
    }
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  assert.equal(status, 0, `ip ${args.join(' ')}: ${stderr}`)
}

test('two people on two machines, two commands; the cable is cut, and what was said meanwhile arrives', {
  skip: missing ?? false,
}, async () => {
  await using hosts = new Hosts()
  hosts.plexus(0, 'up', '--name', 'ada')
  hosts.plexus(1, 'up', '--name', 'bohr')
  const { ticket } = hosts.plexus<{ ticket: string }>(0, 'invite')
  hosts.plexus(1, 'join', ticket)
  const [ada] = hosts.plexus<{ peers: { name: string; state: string; address: string }[] }>(
    1,
    'peers',
    '--wait',
    '1',
  ).peers
  assert.deepEqual([ada?.name, ada?.state], ['ada', 'ready'])
  assert.match(ada?.address ?? '', /10\.77\.0\.1/)

  interface Recall {
    readonly thoughts: readonly { readonly text: string; readonly signature: string }[]
  }
  const arrives = (text: string): Promise<string> =>
    eventually(async () => {
      const found = hosts.plexus<Recall>(1, 'recall', text).thoughts.find((thought) => thought.text === text)
      return found?.signature
    })
  hosts.plexus(0, 'think', 'from one machine to another')
  assert.equal(await arrives('from one machine to another'), 'valid')

  hosts.cable('down')
  hosts.plexus(0, 'think', 'said while the cable was out')
  await eventually(async () => {
    const [bohr] = hosts.plexus<{ peers: { state: string; reason?: string; fix?: string }[] }>(0, 'peers').peers
    return bohr?.state !== 'ready' && bohr?.reason !== undefined && bohr.fix !== undefined ? true : undefined
  })
  hosts.cable('up')
  assert.equal(await arrives('said while the cable was out'), 'valid')
})
