import { createHash } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync } from 'node:fs'
import { homedir, platform } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { errnoOf } from '../../base/index.ts'
import { ControlError } from '../errors.ts'

/** Unix sockets have paths of at most 107 bytes on Linux and 103 on macOS. */
const SOCKET_PATH_MAX_BYTES = 100
/** Not TMPDIR: MCP clients start us without most of the environment, and all of us must look in the same place. */
const SHORT_FOLDER = '/tmp'
const PROFILE_NAME = /^[a-z0-9][a-z0-9._-]{0,31}$/i

/** Where one peer of this machine keeps everything it has. */
export interface Profile {
  readonly name: string
  readonly folder: string
  readonly controlSocket: string
  readonly mcpSocket: string
  readonly logFile: string
  readonly infoFile: string
  readonly tokenFile: string
}

/**
 * The folder under which profiles live, absolute: PLEXUS_HOME, else the platform's place for application data. A relative
 * XDG_DATA_HOME counts for nothing (XDG Base Directory Specification). Throws `ERR_HOME`.
 */
export function plexusHome(env: NodeJS.ProcessEnv = process.env): string {
  if (env.PLEXUS_HOME) return resolve(env.PLEXUS_HOME)
  if (env.XDG_DATA_HOME && isAbsolute(env.XDG_DATA_HOME)) return join(env.XDG_DATA_HOME, 'plexus')
  if (platform() === 'win32' && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, 'plexus')
  const home = homeFolder()
  if (platform() === 'darwin') return join(home, 'Library', 'Application Support', 'plexus')
  if (platform() === 'win32') return join(home, 'AppData', 'Local', 'plexus')
  return join(home, '.local', 'share', 'plexus')
}

/** A user without an entry in the system's list and without HOME has none, as in many containers. */
function homeFolder(): string {
  const fix = 'Set HOME, or PLEXUS_HOME to a folder that you may write to.'
  try {
    const home = homedir()
    if (isAbsolute(home)) return home
  } catch (cause) {
    throw new ControlError('ERR_HOME', 'this user has no home folder', { cause, fix })
  }
  throw new ControlError('ERR_HOME', 'HOME names no folder', { fix })
}

/** The paths of a profile. Touches nothing on disk. */
export function profileOf(name: string | undefined, env: NodeJS.ProcessEnv = process.env): Profile {
  const chosen = name ?? env.PLEXUS_PROFILE ?? 'default'
  if (!PROFILE_NAME.test(chosen)) {
    throw new ControlError('ERR_PROFILE_NAME', `not a profile name: ${JSON.stringify(chosen)}`, {
      fix: 'Use up to 32 letters, digits, dots, dashes and underscores, beginning with a letter or digit.',
    })
  }
  const folder = join(plexusHome(env), chosen)
  return {
    name: chosen,
    folder,
    controlSocket: socketPath(folder, 'control'),
    mcpSocket: socketPath(folder, 'mcp'),
    logFile: join(folder, 'daemon.log'),
    infoFile: join(folder, 'daemon.json'),
    tokenFile: join(folder, 'http-token'),
  }
}

/** Makes the folders, private to the user, or says why that cannot be done. Throws `ERR_HOME`. */
export function prepareFolder(profile: Profile): void {
  try {
    makeFolder(profile.folder)
    if (socketsLieElsewhere(profile)) makeFolder(dirname(profile.controlSocket))
  } catch (cause) {
    throw new ControlError('ERR_HOME', `cannot make the data folder ${profile.folder}`, {
      cause,
      fix: 'Set PLEXUS_HOME to a folder that you may write to.',
    })
  }
  assertOwnSockets(profile)
}

/**
 * In a folder that everybody may write to, somebody else may have made ours first, to sit between the command line and the
 * daemon. Throws `ERR_HOME` unless the folder of the sockets, if there is one, is ours alone.
 */
export function assertOwnSockets(profile: Profile): void {
  if (!socketsLieElsewhere(profile)) return
  const folder = dirname(profile.controlSocket)
  const stat = lstatSync(folder, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o077) === 0) return
  throw new ControlError('ERR_HOME', `others can get at ${folder}, where the sockets of this profile belong`, {
    fix: 'Remove it, or set PLEXUS_HOME to a shorter path.',
  })
}

/** Windows has names for pipes instead. */
function socketsLieElsewhere({ folder, controlSocket }: Profile): boolean {
  return platform() !== 'win32' && dirname(controlSocket) !== folder
}

/** As `mkdir -p`. Node's own never ends where a parent exists and takes no folders, as in /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  if (!existsSync(dirname(path))) makeFolder(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another process of ours was a moment faster.
    if (errnoOf(error) !== 'EEXIST') throw error
  }
}

function socketPath(folder: string, name: string): string {
  const digest = createHash('sha256').update(folder).digest('hex').slice(0, 16)
  if (platform() === 'win32') return `\\\\.\\pipe\\plexus-${digest}-${name}`
  const inFolder = join(folder, `${name}.sock`)
  if (Buffer.byteLength(inFolder) <= SOCKET_PATH_MAX_BYTES) return inFolder
  return join(SHORT_FOLDER, `plexus-${process.getuid?.() ?? 0}-${digest}`, `${name}.sock`)
}
