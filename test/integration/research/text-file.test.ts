import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { BibtexReader, ResearchError, readTextFile } from '../../../src/research/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'plexus-research-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const { signal } = new AbortController()

const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const textOf = async (path: string): Promise<string> => (await Array.fromAsync(readTextFile(path, signal))).join('')
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('readTextFile', () => {
  it('reads UTF-8 in chunks, characters on the boundary included', async () => {
    const text = `x${'ü€😀'.repeat(40_000)}`
    assert.equal(await textOf(file('utf8.bib', text)), text)
    assert.equal(await textOf(file('empty.bib', '')), '')
  })

  it('follows byte order marks and the line that JabRef writes', async () => {
    const text = '% Encoding: ISO-8859-1\n@misc{a, title={Größe}}'
    assert.equal(await textOf(file('latin1.bib', latin1(text))), text)
    assert.equal((await textOf(file('utf16.bib', Buffer.from(`\ufeff${text}`, 'utf16le')))).replace('\ufeff', ''), text)
    assert.equal(await textOf(file('unknown.bib', '% Encoding: klingon\nä')), '% Encoding: klingon\nä')
  })

  it('lets the reader name the entries of a file that is not UTF-8, and costs the others nothing', async () => {
    const reader = new BibtexReader()
    const path = file(
      'undeclared.bib',
      latin1('@misc{a, title={plain}}\n@misc{b, title={Größe}}\n@misc{c, title={plain}}'),
    )
    const items = [...reader.push(await textOf(path)), ...reader.end()]
    assert.deepEqual(
      items.map((item) => (item.kind === 'entry' ? item.entry.key : item.problem.line)),
      ['a', 2, 'c'],
    )
  })

  it('says what is wrong and what to do', async () => {
    const refused = async (path: string): Promise<ResearchError> => {
      const error = await textOf(path).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      assert.ok(error instanceof ResearchError && error.code === 'ERR_FILE_UNREADABLE', path)
      assert.ok(error.fix)
      return error
    }
    mkdirSync(join(folder, 'folder.bib'))
    assert.match((await refused(join(folder, 'absent.bib'))).message, /^there is no file .*absent\.bib$/)
    assert.match((await refused(join(folder, 'folder.bib'))).message, /is a directory$/)
    assert.match((await refused(join(file('plain.bib', ''), 'below'))).message, /there is no file/)
    assert.match((await refused('/dev/null')).message, /not a regular file$/)
  })

  it('stops when it is told to', async () => {
    const stopped = AbortSignal.abort(new Error('stop'))
    await assert.rejects(Array.fromAsync(readTextFile(file('stop.bib', 'x'), stopped)), /stop/)
  })
})
