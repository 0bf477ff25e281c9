import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import type { Sample } from '../../../src/cli/daemon/sample.ts'
import { Profiles } from '../../support/profiles.ts'

const CLI = join(import.meta.dirname, '../../../src/cli/main.ts')
const ENTER = '\u001b[?1049h'
const RESTORED = '\u001b[?7h\u001b[?25h\u001b[?1049l'

/** `script` of util-linux gives a program a terminal of its own; it passes on what we type and what the program draws. */
const hasScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true

const environment = (home: string): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: home,
  PLEXUS_HOME: home,
  TERM: 'xterm',
})

class Terminal {
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  #wake = (): void => undefined
  shown = ''

  constructor(home: string, command: string) {
    const line = `stty cols 80 rows 24; echo pid=$$; exec ${command}`
    this.#child = spawn('script', ['-qec', line, '/dev/null'], { env: environment(home), stdio: 'pipe' })
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.shown += chunk
      this.#wake()
    })
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve))
  }

  async until(text: string | RegExp): Promise<void> {
    while (this.shown.search(text) === -1) await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  /** Types a key, or sends a signal; the exit code of the program. */
  async end(way: string): Promise<number | null> {
    const pid = Number(/pid=(\d+)/.exec(this.shown)?.[1])
    if (way.startsWith('SIG')) process.kill(pid, way)
    else this.#child.stdin?.write(way)
    return await this.#ended
  }
}

test('top draws on a terminal of its own and gives it back, on q, Ctrl-C and SIGTERM', {
  skip: !hasScript && 'no script(1) of util-linux',
}, async () => {
  await using profiles = new Profiles()
  await profiles.joined('ada', 'bohr')
  await profiles.peer('ada').plexus('peers', '--wait', '1')
  const endings = [
    ['q', 0],
    ['\u0003', 0],
    ['SIGTERM', 143],
  ] as const
  for (const [way, code] of endings) {
    const terminal = new Terminal(profiles.home, `"${process.execPath}" "${CLI}" top --profile ada --interval 0.2`)
    await terminal.until(/q quit[\s\S]*q quit/)
    assert.equal(await terminal.end(way), code)
    assert.ok(terminal.shown.includes(ENTER))
    assert.ok(terminal.shown.trimEnd().endsWith(RESTORED), JSON.stringify(terminal.shown.slice(-80)))
    const [frame = ''] = terminal.shown.split('\u001b[H').slice(-1)
    const lines = stripVTControlCharacters(frame)
      .split('\n')
      .map((line) => line.trimEnd())
    assert.equal(lines.length, 24)
    assert.match(lines[0] ?? '', /^plexus ok {2}ada/)
    assert.ok(
      lines.some((line) => /^bohr +direct /.test(line)),
      lines.join('\n'),
    )
  }
})

test('without a terminal it prints one frame, or objects, and says when there is no daemon', async () => {
  await using profiles = new Profiles()
  await profiles.peer('ada').up()
  const top = (...args: readonly string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [CLI, 'top', '--interval', '0.2', ...args], {
      env: environment(profiles.home),
      encoding: 'utf8',
    })
  const once = top('--profile', 'ada')
  assert.equal(once.status, 0)
  assert.ok(!String(once.stdout).includes('\u001b'))
  assert.match(String(once.stdout), /^plexus ok {2}ada/)
  const json = JSON.parse(String(top('--profile', 'ada', '--once', '--json').stdout)) as Sample & {
    readonly rates: { readonly seconds: number }
  }
  assert.equal(json.status.name, 'ada')
  assert.ok(json.rates.seconds > 0)
  assert.equal(top('--profile', 'nobody').status, 3)
  assert.equal(top('--profile', 'ada', '--interval', '0').status, 2)
})
