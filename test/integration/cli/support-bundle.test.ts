import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { secretForms } from '../../../src/cli/bundle/secret-forms.ts'
import { Profiles } from '../../support/profiles.ts'

const THOUGHT = 'the moon base is called Selenograd'

test('a support bundle holds none of the secrets that were planted, in any encoding', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('adelheid')
  await ada.up()
  const bohr = profiles.peer('bartholomew')
  await bohr.up()
  const { ticket } = await ada.plexus<{ ticket: string }>('invite')
  await bohr.plexus('join', ticket)
  await ada.plexus('think', THOUGHT)
  const folder = join(profiles.home, 'adelheid')
  const identity = JSON.parse(readFileSync(join(folder, 'identity.json'), 'utf8')) as Record<string, string>
  const token = readFileSync(join(folder, 'http-token'), 'utf8').trim()
  const keys = [identity.deviceSeed, identity.principalSeed, identity.sealingSeed, token].map((key) => key ?? '')
  // As if the log and a crash had caught what they never should.
  const forms = keys.flatMap(secretForms)
  const slips = [ticket, ...forms, 'by bartholomew at 203.0.113.77']
  appendFileSync(
    join(folder, 'daemon.log'),
    slips.map((slip) => `${JSON.stringify({ level: 30, time: 1, msg: slip })}\n`).join(''),
  )
  mkdirSync(join(folder, 'crashes'), { recursive: true })
  const stack = `SyntaxError: unexpected ${THOUGHT}\n${THOUGHT}\n    at read (file:///x/y.ts:1:2)`
  writeFileSync(join(folder, 'crashes', `${Date.now()}.json`), JSON.stringify({ version: '0.1.0', stack }))

  const path = join(profiles.home, 'bundle.tar.gz')
  const report = await ada.plexus<{ files: { path: string }[]; sent: boolean }>('support-bundle', '--out', path)
  assert.equal(report.sent, false)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const text = gunzipSync(readFileSync(path)).toString('utf8')
  const planted = [
    ticket,
    ticket.slice(7, 60),
    ...forms,
    THOUGHT,
    'Selenograd',
    'adelheid',
    'bartholomew',
    '203.0.113.77',
  ]
  for (const secret of planted) assert.equal(text.includes(secret), false, secret)
  for (const name of [
    'README.txt',
    'doctor.json',
    'status.json',
    'metrics.txt',
    'database.json',
    'log-memory.jsonl',
    'log-file.jsonl',
  ]) {
    assert.ok(
      report.files.some((file) => file.path === name),
      name,
    )
  }
  assert.match(text, /SyntaxError/)
  assert.match(text, /at read \(file/)
  assert.match(text, /"journal_mode": "wal"/)
  assert.match(text, /peer:ready/)

  await assert.rejects(ada.plexus('support-bundle', '--out', path), { code: 'ERR_FILE_UNWRITABLE' })
  const open = join(profiles.home, 'open.tar.gz')
  await ada.plexus('support-bundle', '--out', open, '--names', '--addresses')
  const more = gunzipSync(readFileSync(open)).toString('utf8')
  assert.ok(more.includes('bartholomew') && more.includes('203.0.113.77'))
  for (const secret of [ticket, ...forms, THOUGHT]) assert.equal(more.includes(secret), false, secret)

  const listed = spawnSync('tar', ['-tzf', path], { encoding: 'utf8' })
  if (listed.error === undefined)
    assert.deepEqual(
      listed.stdout.trim().split('\n'),
      report.files.map((file) => file.path),
    )

  await ada.down()
  const without = join(profiles.home, 'without.tar.gz')
  const offline = await ada.plexus<{ files: { path: string }[] }>('support-bundle', '--out', without)
  assert.ok(offline.files.some((file) => file.path === 'database.json'))
  assert.ok(!offline.files.some((file) => file.path === 'status.json'))
})
