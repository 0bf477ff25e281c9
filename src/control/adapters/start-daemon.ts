import { spawn } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ErrorReport } from '../../base/index.ts'
import { ControlError, RemoteError } from '../errors.ts'
import { ControlClient, type ControlClientOptions, connectSocket } from './client.ts'
import { DAEMON_NODE_FLAGS } from './daemon-node-flags.ts'
import { type Profile, prepareFolder } from './profile.ts'

/** From an empty machine to a daemon that answers: key generation, migrations, sockets. */
const START_TIMEOUT_MS = 30_000
/** While another process holds the profile, how often we look whether its daemon answers, and how long before we try again. */
const LOOK_MS = 50
const LOOKS = 20

/** What the daemon tells its parent, once, over the inherited pipe. */
export type StartReport =
  | { readonly ready: true; readonly notes: readonly string[] }
  | ({ readonly ready: false } & ErrorReport)

export interface DaemonOptions {
  readonly name?: string | undefined
  readonly listen?: readonly string[] | undefined
  readonly mdns?: boolean | undefined
  readonly bootstrap?: readonly string[] | undefined
  readonly discoveryServer?: boolean | undefined
  readonly relay?: boolean | undefined
  readonly httpPort?: number | undefined
  readonly logLevel?: string | undefined
}

/** Starts the daemon of a profile in the background and waits until it answers. Returns what it had to say. */
export async function startDaemon(profile: Profile, options: DaemonOptions = {}): Promise<readonly string[]> {
  prepareFolder(profile)
  const deadline = performance.now() + START_TIMEOUT_MS
  do {
    const report = await spawnDaemon(profile, options)
    if (report.ready) return report.notes
    if (report.code !== 'ERR_PROFILE_LOCKED') {
      throw new RemoteError(report.code, report.message, { fix: report.fix })
    }
    // Somebody is a moment ahead of us with the same daemon, and theirs will do; or an old one is ending and makes room.
    if (await isServed(profile)) return []
  } while (performance.now() < deadline)
  throw new ControlError('ERR_DAEMON_START', 'another process holds this profile and does not answer', {
    fix: 'End the process named in daemon.json of the profile folder, or use another `--profile`.',
  })
}

/** The daemon's conversation, starting the daemon when it does not run. */
export async function ensureDaemon(profile: Profile, options: ControlClientOptions = {}): Promise<ControlClient> {
  const running = await ControlClient.open(profile, options)
  if (running !== undefined) return running
  await startDaemon(profile)
  const started = await ControlClient.open(profile, options)
  if (started !== undefined) return started
  throw new ControlError('ERR_DAEMON_START', 'the daemon started and went away again', {
    fix: `Read ${profile.logFile}.`,
  })
}

function spawnDaemon(profile: Profile, options: DaemonOptions): Promise<StartReport> {
  const { promise, resolve, reject } = Promise.withResolvers<StartReport>()
  const flags = [...DAEMON_NODE_FLAGS, ...execArguments()]
  const child = spawn(process.execPath, [...flags, daemonEntry(), profile.name, JSON.stringify(options)], {
    detached: true,
    cwd: profile.folder,
    // The folder of the daemon is another one than ours: a relative PLEXUS_HOME would mean something else there.
    env: { ...process.env, PLEXUS_HOME: dirname(profile.folder) },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  let said = ''
  const fail = (why: string): void =>
    reject(
      new ControlError('ERR_DAEMON_START', `the daemon did not start: ${why}`, { fix: `Read ${profile.logFile}.` }),
    )
  const timer = setTimeout(() => fail(`no sign of life in ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS)
  child.once('error', (error) => fail(error.message))
  // Not `exit`: what it reported may not have been read by then.
  child.once('close', (code, signal) => fail(`it ended with ${signal ?? `exit code ${code}`}`))
  child.stdio[3]?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  child.stdio[3]?.once('end', () => {
    if (said !== '') resolve(JSON.parse(said) as StartReport)
  })
  return promise.finally(() => {
    clearTimeout(timer)
    child.removeAllListeners()
    child.stdio[3]?.destroy()
    child.unref()
  })
}

/** Flags such as `--cpu-prof` stay with this process; only what changes how sources load is passed on. */
function execArguments(): readonly string[] {
  return process.execArgv.filter(
    (argument) => argument.startsWith('--conditions') || argument.startsWith('--disable-warning'),
  )
}

function daemonEntry(): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fileURLToPath(new URL(`../../cli/daemon/main.${extension}`, import.meta.url))
}

/** Waits a while for a daemon that listens. */
async function isServed(profile: Profile): Promise<boolean> {
  for (let look = 0; look < LOOKS; look++) {
    const socket = await connectSocket(profile, 'control')
    socket?.end()
    if (socket !== undefined) return true
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  return false
}
