/**
 * `npm start`: three real peers in processes of their own on this machine, used as people use them. Every printed line is
 * an assertion with figures measured in this run; a line that fails says why and ends with exit code 1.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { DemoPeer } from './peer.ts'
import { type Cast, catchUp, identities, network, research, type StepResult, thoughts } from './steps.ts'

const STEPS: readonly (readonly [name: string, run: (cast: Cast) => Promise<StepResult>])[] = [
  ['identities', identities],
  ['network', network],
  ['research', research],
  ['thoughts', thoughts],
  ['catch-up', catchUp],
]

const json = process.argv.includes('--json')
const home = mkdtempSync(join(tmpdir(), 'plexus-demo-'))
const cast: Cast = {
  ada: new DemoPeer('ada', home),
  bohr: new DemoPeer('bohr', home),
  curie: new DemoPeer('curie', home),
  mallory: new DemoPeer('mallory', home),
}

process.once('SIGINT', () => void leave(0))
process.once('SIGTERM', () => void leave(0))
await main()

async function main(): Promise<void> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  say(
    styleText('bold', `Plexus ${version}`) +
      '  demonstration: 3 real peers on this machine, nothing leaves it (data: a temporary folder)',
  )
  const started = performance.now()
  const results: Record<string, unknown> = {}
  for (const [index, [name, run]] of STEPS.entries()) {
    const label = ` ${index + 1}/${STEPS.length} ${name.padEnd(11)}`
    const stepStarted = performance.now()
    try {
      const { summary, figures } = await run(cast)
      const elapsedMs = performance.now() - stepStarted
      results[name] = { ok: true, elapsedMs, ...figures }
      for (const [row, line] of summary.entries()) say(`${row === 0 ? label : ' '.repeat(label.length)} ${line}`)
      say(`${' '.repeat(label.length)} ${styleText('green', 'ok')}  ${(elapsedMs / 1_000).toFixed(1)} s`)
    } catch (error) {
      return await fail(label, name, error, results)
    }
  }
  const elapsedMs = performance.now() - started
  if (json) {
    process.stdout.write(`${JSON.stringify({ ok: true, version, elapsedMs, steps: results })}\n`)
    return await leave(0)
  }
  say(
    styleText('bold', `Summary: ${STEPS.length}/${STEPS.length} checks passed in ${(elapsedMs / 1_000).toFixed(1)} s`),
  )
  if (!process.stdout.isTTY) {
    say('The peers are stopped now. On a terminal they stay up until Ctrl-C, ready for an MCP client of yours.')
    return await leave(0)
  }
  howToAttach()
  // Stays up until Ctrl-C: the peers are real, and this is the moment to try them.
  setInterval(() => undefined, 1 << 30)
}

function howToAttach(): void {
  const url = cast.ada.report.daemon.mcpUrl
  say(`
The three peers stay up. Attach an MCP client to ada (stop with Ctrl-C):
  Claude Code   claude mcp add plexus --env PLEXUS_HOME=${home} -- npm --silent --prefix ${process.cwd()} run plexus -- mcp --profile ada
  over HTTP     ${url}   with the header: Authorization: Bearer $(cat ${join(home, 'ada', 'http-token')})
  by hand       PLEXUS_HOME=${home} npm run --silent plexus -- recall gradient --profile bohr
Your own peer instead:  npm run --silent plexus -- up    then: invite, join, think, recall`)
}

async function fail(label: string, name: string, error: unknown, results: Record<string, unknown>): Promise<void> {
  const reason = error instanceof Error ? error.message : String(error)
  results[name] = { ok: false, reason }
  if (json) process.stdout.write(`${JSON.stringify({ ok: false, failed: name, reason, steps: results })}\n`)
  say(`${label} ${styleText('red', 'FAILED')} ${reason}`)
  say(`${' '.repeat(label.length)} fix: the daemons' logs are kept: ${join(home, '*', 'daemon.log')}`)
  await leave(1)
}

function say(line: string): void {
  if (!json) process.stdout.write(`${line}\n`)
}

/** Ends what this run started, and removes what it wrote unless somebody has to read it. */
async function leave(code: number): Promise<void> {
  const ends = await Promise.allSettled(Object.values(cast).map((peer: DemoPeer) => peer.down()))
  const clean = ends.every((end) => end.status === 'fulfilled')
  if (!clean)
    process.stderr.write(
      `some peers did not stop cleanly: ${JSON.stringify(ends.filter((end) => end.status === 'rejected').map((end) => String(end.reason)))}\n`,
    )
  if (code === 0) rmSync(home, { recursive: true, force: true })
  process.exit(code)
}
