import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pinoLogger } from '../../../src/node/index.ts'

function written(work: (log: ReturnType<typeof pinoLogger>) => void, level: 'info' | 'debug' = 'info'): string {
  const lines: string[] = []
  work(pinoLogger({ level, write: (line) => void lines.push(line) }))
  return lines.join('')
}

test('secrets and texts of thoughts never reach a log, wherever they stand', () => {
  const out = written((log) => {
    log.info({ token: 'geheim', seed: 'geheim', nested: { ticket: 'geheim', text: 'geheim' } }, 'hello')
    log.child({ module: 'x' }).warn({ secret: 'geheim', passphrase: 'geheim', body: 'geheim' }, 'again')
  })
  assert.doesNotMatch(out, /geheim/)
  assert.match(out, /"module":"x"/)
})

test('levels are obeyed', () => {
  assert.equal(
    written((log) => log.debug({}, 'quiet')),
    '',
  )
  assert.match(
    written((log) => log.debug({}, 'loud'), 'debug'),
    /loud/,
  )
})
