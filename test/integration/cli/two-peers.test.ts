import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { PeerCommandError } from '../../../demo/peer.ts'
import { eventually, Profiles } from '../../support/profiles.ts'

interface Recall {
  readonly thoughts: readonly {
    readonly id: string
    readonly text: string
    readonly signature: string
    readonly author: { readonly name: string; readonly peer: string }
  }[]
}

interface Found {
  readonly results: readonly { readonly title: string }[]
}

const BIBLIOGRAPHY = join(import.meta.dirname, '../../../demo/bibliography.bib')

test('two profiles joined by a ticket share a thought and a paper, one while the other is down', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  const bohr = profiles.peer('bohr')
  await profiles.joined('ada', 'bohr')

  const { thought } = await ada.plexus<{ thought: { id: string } }>(
    'think',
    'the',
    'cache',
    'is',
    'cold',
    'after',
    'midnight',
  )
  const heard = await eventually(async () => {
    const { thoughts } = await bohr.plexus<Recall>('recall', 'cold cache')
    return thoughts.find((candidate) => candidate.id === thought.id)
  })
  assert.deepEqual(
    { text: heard.text, signature: heard.signature, name: heard.author.name, peer: heard.author.peer },
    { text: 'the cache is cold after midnight', signature: 'valid', name: 'ada', peer: ada.report.peer },
  )

  await bohr.down()
  const report = await ada.plexus<{ added: number; rejected: unknown[] }>('research', 'import', BIBLIOGRAPHY)
  assert.ok(report.added >= 60)
  assert.deepEqual(report.rejected, [])
  const meanwhile = await ada.plexus<{ thought: { id: string } }>('think', 'written while bohr was down')
  await bohr.up()
  await eventually(async () => {
    const { thoughts } = await bohr.plexus<Recall>('recall', 'written while down')
    return thoughts.find((candidate) => candidate.id === meanwhile.thought.id)
  })
  const paper = await eventually(async () => {
    const { results } = await bohr.plexus<Found>('research', 'find', 'time clocks ordering events')
    return results[0]
  })
  assert.match(paper.title, /Time, Clocks/)
})

test('what is private stays on its peer', async () => {
  await using profiles = new Profiles()
  await profiles.joined('ada', 'bohr')
  const [ada, bohr] = [profiles.peer('ada'), profiles.peer('bohr')]
  await ada.plexus('think', '--private', 'the pin of the lab door')
  await ada.plexus('think', 'a later thought for everybody')
  await eventually(async () => {
    const { thoughts } = await bohr.plexus<Recall>('recall', 'later thought')
    return thoughts[0]
  })
  assert.deepEqual((await bohr.plexus<Recall>('recall', 'lab door')).thoughts, [])
  assert.equal((await ada.plexus<Recall>('recall', 'lab door')).thoughts.length, 1)
})

test('a used ticket, an expired ticket and a damaged one are refused, each with its own reason', async () => {
  await using profiles = new Profiles()
  await profiles.joined('ada')
  const [ada, bohr, curie] = [profiles.peer('ada'), profiles.peer('bohr'), profiles.peer('curie')]
  await bohr.up()
  await curie.up()
  const { ticket } = await ada.plexus<{ ticket: string }>('invite')
  await bohr.plexus('join', ticket)
  await refused(curie.plexus('join', ticket), 'ERR_JOIN_REFUSED', /used/i)

  const short = await ada.plexus<{ ticket: string; expires: number }>('invite', '--expires', '1s')
  await eventually(async () => (Date.now() > short.expires ? true : undefined))
  await refused(curie.plexus('join', short.ticket), 'ERR_TICKET_EXPIRED', /expired/i)

  const damaged = `${ticket.slice(0, -6)}${ticket.slice(-6, -5) === 'a' ? 'b' : 'a'}${ticket.slice(-5)}`
  await refused(curie.plexus('join', damaged), 'ERR_TICKET_MALFORMED', /./)
  await refused(curie.plexus('join', 'hello'), 'ERR_TICKET_MALFORMED', /./)
})

async function refused(attempt: Promise<unknown>, code: string, reason: RegExp): Promise<void> {
  await assert.rejects(attempt, (error: unknown) => {
    assert.ok(error instanceof PeerCommandError, String(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.reason, reason)
    return true
  })
}
