import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'

/** Why there can be no hosts of our own here, if so. */
export const noHosts: string | undefined =
  process.platform !== 'linux' || process.getuid?.() !== 0
    ? 'needs root on Linux'
    : spawnSync('ip', ['netns', 'list']).status === 0
      ? undefined
      : 'needs network namespaces: install iproute2'

let count = 0

/** Two hosts, each a network namespace, joined by one cable, with addresses 10.77.0.1 and 10.77.0.2 and nothing else. */
export class TwoHosts implements Disposable {
  readonly names: readonly [string, string]

  constructor() {
    const label = `px${process.pid}-${count++}`
    this.names = [`${label}a`, `${label}b`]
    const [a, b] = this.names
    for (const name of this.names) ip('netns', 'add', name)
    ip('link', 'add', 'cable', 'netns', a, 'type', 'veth', 'peer', 'name', 'cable', 'netns', b)
    for (const [index, name] of this.names.entries()) {
      ip('-n', name, 'addr', 'add', `10.77.0.${index + 1}/24`, 'dev', 'cable')
      ip('-n', name, 'link', 'set', 'lo', 'up')
    }
    this.cable('up')
  }

  cable(state: 'up' | 'down'): void {
    for (const name of this.names) {
      ip('-n', name, 'link', 'set', 'cable', state)
      if (state === 'up') ip('-n', name, 'route', 'replace', 'default', 'dev', 'cable')
    }
  }

  [Symbol.dispose](): void {
    for (const name of this.names) ip('netns', 'del', name)
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  assert.equal(status, 0, `ip ${args.join(' ')}: ${stderr}`)
}
