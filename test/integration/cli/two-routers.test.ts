import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Machines, missingForMachines } from '../../support/machines.ts'
import { eventually } from '../../support/profiles.ts'

const missing = missingForMachines('nft')
if (missing !== undefined) console.warn(`SKIPPED: two people behind two routers: ${missing}`)

interface Peers {
  readonly peers: readonly {
    readonly name: string
    readonly state: string
    readonly kind: string
    readonly via: string
    readonly address: string
    readonly reason?: string
  }[]
}
interface Status {
  readonly peer: string
  readonly reach: {
    readonly from: string
    readonly relays: readonly string[]
    readonly relaying: boolean
    readonly reason?: string
  }
  readonly components: readonly { readonly name: string; readonly state: string; readonly reason?: string }[]
}
type Peer = Peers['peers'][number]

/**
 * Ada and Bohr each sit behind a router of their own, which gives their connections its own address and lets in nothing but
 * answers. Curie can be reached by both. `ports`: what the routers do with the ports of connections that they pass on.
 */
function world(ports: 'kept' | 'random'): Machines {
  const machines = new Machines('exchange', 'curie', 'router1', 'ada', 'router2', 'bohr')
  machines.ip('exchange', 'link', 'add', 'bridge', 'type', 'bridge')
  machines.ip('exchange', 'link', 'set', 'bridge', 'up')
  for (const [name, address] of [
    ['curie', '203.0.113.10/24'],
    ['router1', '203.0.113.1/24'],
    ['router2', '203.0.113.2/24'],
  ] as const) {
    machines.cable(`to-${name}`, [name, address], ['exchange', ''])
    machines.ip('exchange', 'link', 'set', `to-${name}`, 'master', 'bridge')
  }
  for (const [number, name] of [
    [1, 'ada'],
    [2, 'bohr'],
  ] as const) {
    machines.cable('home', [name, `192.168.${number}.2/24`], [`router${number}`, `192.168.${number}.1/24`])
    machines.ip(name, 'route', 'add', 'default', 'via', `192.168.${number}.1`)
    machines.route(
      `router${number}`,
      `add table ip nat
       add chain ip nat out { type nat hook postrouting priority 100 ; }
       add rule ip nat out oifname "to-router${number}" masquerade ${ports === 'random' ? 'fully-random' : ''}
       add chain ip nat in { type filter hook input priority 0 ; }
       add rule ip nat in iifname "to-router${number}" ct state new drop`,
    )
  }
  return machines
}

/** Curie relays and lets Ada in; Ada lets Bohr in, whose ticket leads through Curie. */
async function together(machines: Machines): Promise<void> {
  machines.plexus('curie', 'up', '--name', 'curie', '--relay')
  machines.plexus('ada', 'up', '--name', 'ada')
  machines.plexus('bohr', 'up', '--name', 'bohr')
  const first = machines.plexus<{ ticket: string }>('curie', 'invite', '--role', 'admin')
  machines.plexus('ada', 'join', first.ticket)
  const reach = await eventually(async () => {
    const { reach } = machines.plexus<Status>('ada', 'status')
    return reach.from === 'nowhere' && reach.relays.length === 1 ? reach : undefined
  })
  const { relaying, from } = await eventually(async () => {
    const { reach } = machines.plexus<Status>('curie', 'status')
    return reach.from === 'unknown' ? undefined : reach
  })
  assert.deepEqual([relaying, from], [true, 'anywhere'])
  assert.match(reach.reason ?? '', /^a member dialled \/ip4\/203\.0\.113\.1\/tcp\/\d+: /)
  const second = machines.plexus<{ ticket: string }>('ada', 'invite')
  machines.plexus('bohr', 'join', second.ticket)
}

function peer(machines: Machines, at: string, name: string): Peer | undefined {
  return machines.plexus<Peers>(at, 'peers').peers.find((one) => one.name === name)
}

function arrives(machines: Machines, at: string, text: string): Promise<string> {
  return eventually(async () => {
    const { thoughts } = machines.plexus<{ thoughts: { text: string }[] }>(at, 'recall', text)
    return thoughts.find((thought) => thought.text === text)?.text
  })
}

test('routers that keep ports: a ticket is used through the relay, and the path becomes a direct one', {
  skip: missing ?? false,
}, async () => {
  await using machines = world('kept')
  await together(machines)
  machines.plexus('ada', 'think', 'from one home to another')
  await arrives(machines, 'bohr', 'from one home to another')
  for (const [at, other, router] of [
    ['ada', 'bohr', 2],
    ['bohr', 'ada', 1],
  ] as const) {
    const direct = await eventually(async () => {
      const found = peer(machines, at, other)
      return found?.state === 'ready' && found.kind === 'direct' ? found : undefined
    })
    assert.match(direct.address, new RegExp(`^/ip4/203\\.0\\.113\\.${router}/tcp/`))
    assert.equal(direct.via, undefined)
  }
  machines.plexus('bohr', 'think', 'and back')
  await arrives(machines, 'ada', 'and back')
})

test('routers that do not: it stays relayed, the relay goes away and comes back', {
  skip: missing ?? false,
}, async () => {
  await using machines = world('random')
  await together(machines)
  const relay = machines.plexus<Status>('curie', 'status').peer
  const relayed = (at: string, other: string): Promise<Peer> =>
    eventually(async () => {
      const found = peer(machines, at, other)
      return found?.state === 'ready' && found.kind === 'relayed' && /both at once/.test(found.reason ?? '')
        ? found
        : undefined
    })
  // Ada was called by Bohr, so it is she who tries to make the path a direct one.
  const bohr = await relayed('ada', 'bohr')
  assert.equal(bohr.via, relay)
  assert.ok(bohr.address.endsWith('/p2p-circuit'))
  const { checks } = machines.plexus<{ checks: { name: string; state: string; detail: string }[] }>('ada', 'doctor')
  const reachable = checks.find(({ name }) => name === 'reachable')
  assert.equal(reachable?.state, 'ok')
  assert.match(reachable?.detail ?? '', /^no; 1 member relays: a member dialled/)
  machines.plexus('ada', 'think', 'through a third')
  await arrives(machines, 'bohr', 'through a third')
  assert.equal(machines.plexus<{ rttsMs: number[] }>('bohr', 'ping', 'ada').rttsMs.length, 3)

  process.kill(machines.plexus<{ daemon: { pid: number } }>('curie', 'status').daemon.pid, 'SIGKILL')
  const gone = await eventually(async () => {
    const found = peer(machines, 'ada', 'bohr')
    return found !== undefined && found.state !== 'ready' ? found : undefined
  })
  assert.ok(gone.reason)
  const places = machines.plexus<Status>('ada', 'status').components.find(({ name }) => name === 'relay-places')
  assert.equal(places?.state, 'degraded')
  assert.match(places?.reason ?? '', /^the relay \S+ is gone/)

  const { unreachable } = machines.plexus<{ unreachable?: { reason: string; fix: string } }>('ada', 'invite')
  assert.match(unreachable?.fix ?? '', /^Let TCP port \d+ through .* --relay/)

  machines.plexus('ada', 'think', 'while the relay was away')
  machines.plexus('curie', 'up')
  await arrives(machines, 'bohr', 'while the relay was away')
  const again = await eventually(async () => {
    const found = peer(machines, 'bohr', 'ada')
    return found?.state === 'ready' ? found : undefined
  })
  assert.deepEqual([again.kind, again.via], ['relayed', relay])
})
