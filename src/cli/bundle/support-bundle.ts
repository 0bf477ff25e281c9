import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { arch, availableParallelism, homedir, hostname, release, totalmem, type, uptime, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { errnoOf, reasonOf } from '../../base/index.ts'
import type { Profile } from '../../control/index.ts'
import type { EventBatch } from '../../node/index.ts'
import type { SpaceInfo } from '../../space/index.ts'
import type { CommandContext } from '../command.ts'
import { checksOf } from '../doctor/doctor.ts'
import type { Facts } from '../doctor/facts.ts'
import { gatherFacts } from '../doctor/gather.ts'
import { CliError } from '../errors.ts'
import { counted } from '../terminal.ts'
import { byteCount } from '../top/numbers.ts'
import { VERSION } from '../version.ts'
import { bundleFiles, type CrashFile, type Material } from './contents.ts'
import { Redactor } from './redactor.ts'
import { secretsIn } from './secret-forms.ts'
import { tarGz } from './tar.ts'

export interface BundleOptions {
  readonly out?: string
  readonly names?: boolean
  readonly addresses?: boolean
}

const EVENTS_MAX = 7_000
const LOG_LINES_MAX = 5_000
/** Of the end of daemon.log: more than so many lines. */
const LOG_TAIL_BYTES: number = 4 * 1024 * 1024
const CRASHES_MAX = 10
const CRASH_MAX_BYTES: number = 256 * 1024

/** Writes one file with what others need to help, and says what is in it. */
export async function supportBundle(context: CommandContext, options: BundleOptions): Promise<void> {
  const { profile, signal } = context
  const facts = await gatherFacts(profile, signal)
  const running = typeof facts.daemon === 'object'
  const [events, spaces] = running ? await askDaemon(context) : [[], []]
  const material: Material = { ...(await materialOf(profile, facts)), events }
  const redactor = new Redactor({
    secrets: secretsOf(profile),
    names: options.names === true ? [] : namesIn(profile, material, spaces),
    shortenAddresses: options.addresses !== true,
    home: homedir(),
  })
  const files = bundleFiles(material, redactor)
  const path = resolve(options.out ?? `plexus-support-${stamp(facts.now)}.tar.gz`)
  const bytes = write(path, tarGz(files, facts.now))
  const list = files.map(({ path, content }) => ({ path, bytes: content.byteLength }))
  const lines = [
    ...list.map((file) => `  ${file.path.padEnd(24)} ${byteCount(file.bytes).padStart(9)}`),
    '',
    `${path}: ${byteCount(bytes)}, ${counted(redactor.count, 'place')} redacted`,
    'Nothing was sent anywhere. Look through it before you pass it on: tar -xzf unpacks it.',
  ]
  context.finish({ path, bytes, files: list, redacted: redactor.count, sent: false }, lines.join('\n'))
}

async function askDaemon({ ask }: CommandContext): Promise<readonly [Material['events'], readonly SpaceInfo[]]> {
  const { events } = await ask<EventBatch>('node.events', { level: 'debug', limit: EVENTS_MAX })
  const { spaces } = await ask<{ readonly spaces: readonly SpaceInfo[] }>('space.list')
  return [events, spaces]
}

async function materialOf(profile: Profile, facts: Facts): Promise<Omit<Material, 'events'>> {
  const { prometheusText } = await import('../../node/index.ts')
  const { daemon } = facts
  return {
    facts,
    checks: checksOf(facts),
    versions: {
      plexus: VERSION,
      ...process.versions,
      system: `${type()} ${release()}`,
      arch: arch(),
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      systemUptimeSeconds: uptime(),
    },
    metrics: typeof daemon === 'object' ? prometheusText(daemon.sample.status, daemon.sample.process) : undefined,
    logLines: logLines(profile.logFile),
    files: filesOf(profile.folder),
    crashes: crashFiles(join(profile.folder, 'crashes')),
  }
}

/** What the files of secrets hold: sought in everything that is written, and never written. */
function secretsOf({ folder, tokenFile }: Profile): readonly string[] {
  return [...secretsIn(objectIn(textOf(join(folder, 'identity.json')))), textOf(tokenFile).trim()]
}

function namesIn(
  profile: Profile,
  { events, facts, logLines }: Material,
  spaces: readonly SpaceInfo[],
): readonly string[] {
  const shared = spaces.filter(({ personal }) => !personal)
  const peers = typeof facts.daemon === 'object' ? facts.daemon.sample.peers : []
  const own = typeof facts.daemon === 'object' ? [facts.daemon.info.name] : []
  return [
    ...own,
    ...spaces.flatMap(({ members }) => members.map(({ name }) => name)),
    ...shared.map(({ name }) => name),
    ...peers.flatMap(({ name }) => name ?? []),
    ...events.flatMap(({ name, spaceName }) => [name ?? '', spaceName === 'private' ? '' : (spaceName ?? '')]),
    ...logLines.flatMap((line) =>
      Object.entries(line).flatMap(([key, value]) => (key === 'name' ? String(value) : [])),
    ),
    profile.name,
    hostname(),
    userName(),
  ]
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A user without an entry in the system's list, as in many containers, has no name to hide.
    return ''
  }
}

/** The last lines of the log, of both files. */
function logLines(path: string): Material['logLines'] {
  const text = [`${path}.1`, path].map((file) => textOf(file).slice(-LOG_TAIL_BYTES)).join('')
  const lines = text.split('\n').slice(-LOG_LINES_MAX)
  return lines.flatMap((line) => {
    const fields = objectIn(line)
    return Object.keys(fields).length === 0 ? [] : [fields]
  })
}

function filesOf(folder: string): Material['files'] {
  return namesOf(folder).flatMap((name) => {
    const stat = statSync(join(folder, name), { throwIfNoEntry: false })
    return stat === undefined ? [] : [{ path: name, bytes: stat.size, mode: (stat.mode & 0o777).toString(8) }]
  })
}

function crashFiles(folder: string): readonly CrashFile[] {
  const names = namesOf(folder).filter((name) => /^\d{1,16}\.json$/.test(name))
  return names
    .sort()
    .slice(-CRASHES_MAX)
    .map((name) => ({ name, text: textOf(join(folder, name)).slice(0, CRASH_MAX_BYTES) }))
}

function namesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}

/** Empty for a file that is not there or cannot be read: `doctor.json` says why. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    // Half a line, cut where the tail of the file begins or by a power cut.
    return {}
  }
}

/** Never over a file that is there. Throws `ERR_FILE_UNWRITABLE`. */
function write(path: string, content: Buffer): number {
  try {
    writeFileSync(path, content, { flag: 'wx', mode: 0o600 })
    return content.byteLength
  } catch (cause) {
    const why = errnoOf(cause) === 'EEXIST' ? 'there is a file already' : reasonOf(cause)
    const fix = 'Name another with `--out FILE`, in a folder that you may write to.'
    throw new CliError('ERR_FILE_UNWRITABLE', `${path} cannot be written: ${why}`, { cause, fix })
  }
}

/** `20261124-120304`, in UTC. */
function stamp(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
}
