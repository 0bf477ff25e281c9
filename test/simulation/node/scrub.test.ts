import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cognition } from '../../../src/cognition/index.ts'
import type { PlexusNode } from '../../../src/node/index.ts'
import { integer } from '../../../src/store/index.ts'
import { Crowd } from './crowd.ts'

/** Turns a bit over in a column of the newest rows of a table. */
function damage({ journal: { database } }: PlexusNode, table: 'record' | 'body', column: string, rows: number): void {
  const newest = database.prepare(`SELECT rid, ${column} AS bytes FROM ${table} ORDER BY rid DESC LIMIT ?`).all(rows)
  assert.equal(newest.length, rows)
  for (const { rid, bytes } of newest) {
    const turned = Uint8Array.from(bytes as Uint8Array)
    turned[20] = (turned[20] ?? 0) ^ 4
    database.prepare(`UPDATE ${table} SET ${column} = ? WHERE rid = ?`).run(turned, integer(rid ?? null))
  }
}

async function texts(node: PlexusNode): Promise<readonly string[]> {
  const { thoughts } = await node.call('thought.recall', { limit: 100 })
  return thoughts.map(({ text }) => text).toSorted()
}

/** What a node would serve of the log of another: numbers of frames with their bodies, and without. */
function served(node: PlexusNode, author: PlexusNode): { readonly whole: number; readonly bare: number } {
  const [space] = node.spaces.list().filter(({ personal }) => !personal)
  assert.ok(space !== undefined)
  const heads = node.journal.heads(space.id).filter((head) => head.author === author.peer && head.log.startsWith('01'))
  const frames = heads.flatMap(({ log, seq }) => node.journal.frames(space.id, author.peer, log, 1, seq))
  return {
    whole: frames.filter(({ body }) => body !== null).length,
    bare: frames.filter(({ body }) => body === null).length,
  }
}

for (const [what, table, column] of [
  ['bodies', 'body', 'bytes'],
  ['headers', 'record', 'header'],
  ['ids', 'record', 'id'],
] as const) {
  test(`${what} that a disk garbled are never served, are found, and are whole again`, async () => {
    await using crowd = new Crowd()
    const domains = [cognition()]
    const ada = await crowd.node('ada', { domains })
    const bohr = await crowd.node('bohr', { domains })
    await crowd.join(ada, bohr)
    const written = ['one', 'two', 'three', 'four', 'five']
    for (const text of written) await crowd.until(ada.call('thought.share', { text }))
    const [space] = ada.spaces.list().filter(({ personal }) => !personal)
    assert.ok(space !== undefined)
    await crowd.until(bohr.sync.syncNow(space.id))
    assert.deepEqual(served(bohr, ada), { whole: 5, bare: 0 })

    damage(bohr, table, column, 2)
    assert.equal(served(bohr, ada).whole, 3, 'what is damaged is not passed on')
    await crowd.until(new Promise<void>((over) => crowd.clock.setTimer(5 * 60_000, over)))
    const { figures, state } = bohr.status().components.find(({ name }) => name === 'scrub') ?? {}
    // Of an id the header and the rest of the log tell what it was.
    const asked = what === 'ids' ? 0 : 2
    assert.deepEqual(
      { found: figures?.found, healed: figures?.healed, state },
      { found: asked, healed: asked, state: 'ok' },
    )
    assert.deepEqual(served(bohr, ada), { whole: 5, bare: 0 })
    assert.deepEqual(await texts(bohr), written.toSorted())
    assert.equal(bohr.journal.forks(space.id).length, 0)
  })
}
