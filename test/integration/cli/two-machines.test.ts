import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Machines, missingForMachines } from '../../support/machines.ts'
import { eventually } from '../../support/profiles.ts'

const missing = missingForMachines()
if (missing !== undefined) console.warn(`SKIPPED: two machines, one cable: ${missing}`)

/** Two machines joined by one cable, each with its own address and nothing else. */
function twoMachines(): Machines {
  const machines = new Machines('ada', 'bohr')
  machines.cable('cable', ['ada', '10.77.0.1/24'], ['bohr', '10.77.0.2/24'])
  cable(machines, 'up')
  return machines
}

function cable(machines: Machines, state: 'up' | 'down'): void {
  for (const name of ['ada', 'bohr']) {
    machines.ip(name, 'link', 'set', 'cable', state)
    if (state === 'up') machines.ip(name, 'route', 'replace', 'default', 'dev', 'cable')
  }
}

test('two people on two machines, two commands; the cable is cut, and what was said meanwhile arrives', {
  skip: missing ?? false,
}, async () => {
  await using machines = twoMachines()
  machines.plexus('ada', 'up', '--name', 'ada')
  machines.plexus('bohr', 'up', '--name', 'bohr')
  const { ticket } = machines.plexus<{ ticket: string }>('ada', 'invite')
  machines.plexus('bohr', 'join', ticket)
  const [ada] = machines.plexus<{ peers: { name: string; state: string; address: string }[] }>(
    'bohr',
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
      const found = machines.plexus<Recall>('bohr', 'recall', text).thoughts.find((thought) => thought.text === text)
      return found?.signature
    })
  machines.plexus('ada', 'think', 'from one machine to another')
  assert.equal(await arrives('from one machine to another'), 'valid')

  cable(machines, 'down')
  machines.plexus('ada', 'think', 'said while the cable was out')
  await eventually(async () => {
    const [bohr] = machines.plexus<{ peers: { state: string; reason?: string; fix?: string }[] }>('ada', 'peers').peers
    return bohr?.state !== 'ready' && bohr?.reason !== undefined && bohr.fix !== undefined ? true : undefined
  })
  cable(machines, 'up')
  assert.equal(await arrives('said while the cable was out'), 'valid')
})
