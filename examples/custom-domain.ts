/** A domain of one's own beside cognition and research: a record kind, a view folded from it, an operation. */
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode } from 'plexus'
import { operation } from 'plexus/base'
import type { Domain, DomainComponents } from 'plexus/node'
import { KIND_RANGES, LOG_CLASS, type View } from 'plexus/records'
import { defaultSpace } from 'plexus/space'
import { z } from 'zod'

const TALLY = KIND_RANGES.application[0]

/** How often each word was counted, over all members of a space: the same sum in whatever order the records come. */
const view: View<number> = {
  domain: 'tally',
  version: 1,
  kinds: [TALLY],
  schema:
    'CREATE TABLE IF NOT EXISTS view_tally_word (word TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID',
  tables: ['view_tally_word'],
  entitiesOf: (record) => (typeof record.body?.word === 'string' ? [record.body.word] : []),
  fold: (_word, records) => (records.length === 0 ? undefined : records.length),
  write: (database, word, n) => {
    database.prepare('DELETE FROM view_tally_word WHERE word = ?').run(word)
    if (n !== undefined) database.prepare('INSERT INTO view_tally_word VALUES (?, ?)').run(word, n)
  },
}

function tally({ journal, spaces }: DomainComponents): Domain {
  const count = operation({
    name: 'tally.count',
    summary: 'Count a word',
    input: z.object({ word: z.string().min(1).max(100) }),
    run: async ({ word }) => {
      const space = defaultSpace(spaces.list())
      await journal.append({ space: space.id, class: LOG_CLASS.durable, kind: TALLY, body: { word } })
      return journal.database.prepare('SELECT * FROM view_tally_word WHERE word = ?').get(word)
    },
  })
  return { name: 'tally', views: [view], operations: [count] }
}

using folder = mkdtempDisposableSync(join(tmpdir(), 'plexus-example-'))
await using node = await createNode({ folder: folder.path, name: 'ada', network: false, domains: [tally] })
await node.call('tally.count', { word: 'quorum' })
console.log(JSON.stringify(await node.call('tally.count', { word: 'quorum' })))
