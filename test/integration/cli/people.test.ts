/** Who belongs, which devices, which keys: with daemons and the command line, as people do it. */
import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { DemoPeer } from '../../../demo/peer.ts'
import type { LinkedStep, MembersReport, NodeStatus } from '../../../src/node/index.ts'
import type { LinkStep } from '../../../src/sync/index.ts'
import { eventually, Profiles } from '../../support/profiles.ts'

const CLI = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))

interface Recalled {
  readonly thoughts: readonly { readonly text: string }[]
}

/** A command that goes on, or reads its standard input. */
class Running {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #steps: AsyncIterator<string>
  readonly exit: Promise<number | null>

  constructor(profiles: Profiles, peer: string, args: readonly string[]) {
    const { home } = profiles
    const env = { PATH: process.env.PATH ?? '', HOME: home, PLEXUS_HOME: home, NO_COLOR: '1' }
    const all = [CLI, ...args, '--profile', peer, '--json']
    this.child = spawn(process.execPath, all, { env, stdio: ['pipe', 'pipe', 'pipe'], timeout: 60_000 })
    this.#steps = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]()
    this.exit = once(this.child, 'exit').then(([code]) => code as number | null)
  }

  /** The next line of this kind; earlier ones are passed over. */
  async next<K extends string>(is: K): Promise<Extract<LinkStep | LinkedStep, { readonly is: K }>> {
    for (;;) {
      const { value, done } = await this.#steps.next()
      assert.ok(done !== true, `the command ended before ${is}`)
      const step = JSON.parse(value) as LinkStep | LinkedStep | { error: { code: string; message: string } }
      if ('error' in step) throw new Error(`${step.error.message} (${step.error.code})`)
      if (step.is === is) return step as Extract<LinkStep | LinkedStep, { readonly is: K }>
    }
  }

  async failure(): Promise<string> {
    for (;;) {
      const { value, done } = await this.#steps.next()
      assert.ok(done !== true, 'the command ended without an error')
      const line = JSON.parse(value) as { error?: { code: string } }
      if (line.error !== undefined) return line.error.code
    }
  }
}

async function texts(peer: DemoPeer): Promise<readonly string[]> {
  const { thoughts } = await peer.plexus<Recalled>('recall')
  return thoughts.map(({ text }) => text).sort()
}

async function standing(peer: DemoPeer): Promise<string | undefined> {
  const { spaces } = await peer.plexus<NodeStatus>('status')
  const home = spaces.find(({ name }) => name === 'home')
  return home?.role ?? home?.former?.reason
}

test('a second device is linked by two commands and six words, and has all that the first one has', async () => {
  await using profiles = new Profiles()
  const [desk, laptop] = [profiles.peer('desk'), profiles.peer('laptop')]
  await profiles.joined('desk', 'bob')
  await desk.plexus('think', 'shared')
  await desk.plexus('think', '--private', 'secret')
  await laptop.up()

  // Words that are not the same end it on both sides.
  const [first, second] = await shown(profiles)
  const words = first.words.map((word) => word.toUpperCase())
  await assert.rejects(laptop.plexus('link', '--words', words.toReversed().join(' ')), { code: 'ERR_LINK_WORDS' })
  assert.deepEqual(
    [await first.command.failure(), await second.command.failure()],
    ['ERR_LINK_WORDS', 'ERR_LINK_WORDS'],
  )
  assert.deepEqual([await first.command.exit, await second.command.exit], [9, 9])
  assert.equal((await laptop.plexus<NodeStatus>('status')).spaces.length, 1)

  const [old, fresh] = await shown(profiles)
  assert.deepEqual(old.words, fresh.words)
  await desk.plexus('link', '--words', fresh.words.join(' '))
  await laptop.plexus('link', '--words', old.words.join(' ').toUpperCase())
  const linked = await fresh.command.next('linked')
  assert.equal(linked.spaces.length, 2)
  assert.deepEqual([await old.command.exit, await fresh.command.exit], [0, 0])
  await eventually(async () => ((await texts(laptop)).join() === 'secret,shared' ? true : undefined))
  const { members } = await eventually(async () => {
    const report = await profiles.peer('bob').plexus<MembersReport>('members')
    return report.members.length === 3 ? report : undefined
  })
  const persons = [...Map.groupBy(members, ({ principal }) => principal).values()]
  assert.deepEqual(
    persons.map((devices) => devices.map(({ name }) => name)),
    [['desk', 'laptop'], ['bob']],
  )
})

interface Shown {
  readonly command: Running
  readonly words: readonly string[]
}

/** Both commands, at the point where they show the words. */
async function shown(profiles: Profiles): Promise<[old: Shown, fresh: Shown]> {
  const old = new Running(profiles, 'desk', ['link'])
  const { ticket } = await old.next('ticket')
  const fresh = new Running(profiles, 'laptop', ['link', ticket])
  const [a, b] = [await old.next('words'), await fresh.next('words')]
  return [
    { command: old, words: a.words },
    { command: fresh, words: b.words },
  ]
}

test('a removed peer is told so, keeps what it had, gets nothing newer, and can be invited again', async () => {
  await using profiles = new Profiles()
  const [ada, bob] = [profiles.peer('ada'), profiles.peer('bob')]
  await profiles.joined('ada', 'bob')
  await ada.plexus('think', 'before')
  await eventually(async () => ((await texts(bob)).includes('before') ? true : undefined))
  // Nobody is here to be asked, and nothing happens.
  await assert.rejects(ada.plexus('revoke', 'bob'), { code: 'ERR_USAGE' })
  assert.equal(await standing(bob), 'writer')
  const { removed } = await ada.plexus<{ removed: readonly { name: string }[] }>('revoke', 'bob', '--yes')
  assert.deepEqual(
    removed.map(({ name }) => name),
    ['bob'],
  )
  await ada.plexus('think', 'after')
  await eventually(async () => ((await standing(bob)) === 'removed' ? true : undefined))
  const { events } = await bob.plexus<{ events: readonly { details: { reason: string } }[] }>(
    'events',
    '--kind',
    'member:removed',
  )
  assert.equal(events[0]?.details.reason, 'removed')
  const { former, members } = await bob.plexus<MembersReport>('members')
  assert.equal(former[0]?.removedByName, 'ada')
  assert.ok(!members.some(({ self }) => self))
  assert.deepEqual(await texts(bob), ['before'])
  await assert.rejects(bob.plexus('think', '--space', 'home', 'no more'))
  const { peers } = await ada.plexus<{ peers: readonly unknown[] }>('peers')
  assert.deepEqual(peers, [])

  const { ticket } = await ada.plexus<{ ticket: string }>('invite')
  await bob.plexus('join', ticket)
  await eventually(async () => ((await texts(bob)).join() === 'after,before' ? true : undefined))
  assert.equal(await standing(bob), 'writer')
  await bob.plexus('space', 'leave', 'home', '--yes')
  await eventually(async () => {
    const report = await ada.plexus<MembersReport>('members', '--all')
    return report.former.some(({ reason }) => reason === 'left') ? true : undefined
  })
})

test('a rotation that is killed at any moment is finished at the next start, and others follow', async () => {
  await using profiles = new Profiles()
  const [ada, bob] = [profiles.peer('ada'), profiles.peer('bob')]
  await profiles.joined('ada', 'bob')
  const seen = new Set([bob.report.peer])
  for (const [round, delayMs] of [0, 5, 20].entries()) {
    await bob.up()
    const { pid } = bob.report.daemon
    const rotating = new Running(profiles, 'bob', ['rotate', '--yes'])
    const { promise, resolve } = Promise.withResolvers<void>()
    // The command has to start first; from then on it takes a few milliseconds.
    setTimeout(() => {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended by itself: the rotation was faster.
      }
      resolve()
    }, 90 + delayMs)
    await promise
    await rotating.exit
    const { peer } = await bob.up()
    seen.add(peer)
    const text = `round ${round}`
    await bob.plexus('think', text)
    await eventually(async () => ((await texts(ada)).includes(text) ? true : undefined))
  }
  const { from, to } = await bob.plexus<{ from: string; to: string }>('rotate', '--yes')
  assert.notEqual(from, to)
  await eventually(async () => {
    const { members } = await ada.plexus<MembersReport>('members')
    return members.some(({ peer, name }) => (peer as string) === to && name === 'bob') ? true : undefined
  })
  assert.equal((await bob.plexus<NodeStatus>('status')).peer, to)
})

test('a space is recovered with the phrase, which comes over standard input and never as an argument', async () => {
  await using profiles = new Profiles()
  const [ada, bob] = [profiles.peer('ada'), profiles.peer('bob')]
  await ada.up()
  const made = await ada.plexus<{ phrase: string }>('space', 'create', 'home', '--recovery')
  const { ticket } = await ada.plexus<{ ticket: string }>('invite')
  await bob.up()
  await bob.plexus('join', ticket)
  await ada.down()
  const wrong = new Running(profiles, 'bob', ['space', 'recover'])
  wrong.child.stdin.end(`${'abandon '.repeat(23)}art\n`)
  assert.notEqual(await wrong.exit, 0)
  const recovering = new Running(profiles, 'bob', ['space', 'recover'])
  recovering.child.stdin.end(`${made.phrase}\n`)
  assert.equal(await recovering.exit, 0)
  assert.equal(await standing(bob), 'admin')
  await ada.up()
  await eventually(async () => ((await standing(ada)) === 'removed' ? true : undefined))
})
