import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { homedir, platform, tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { CliError } from './errors.ts'

/** Unix sockets have paths of at most 107 bytes on Linux and 103 on macOS. */
const SOCKET_PATH_MAX_BYTES = 100
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

/** The folder under which profiles live, absolute: PLEXUS_HOME, else the platform's place for application data. */
export function plexusHome(env: NodeJS.ProcessEnv = process.env): string {
  if (env.PLEXUS_HOME) return resolve(env.PLEXUS_HOME)
  if (env.XDG_DATA_HOME) return join(env.XDG_DATA_HOME, 'plexus')
  if (platform() === 'darwin') return join(homedir(), 'Library', 'Application Support', 'plexus')
  if (platform() === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'plexus')
  return join(homedir(), '.local', 'share', 'plexus')
}

/** The paths of a profile. Touches nothing on disk. */
export function profileOf(name: string | undefined, env: NodeJS.ProcessEnv = process.env): Profile {
  const chosen = name ?? env.PLEXUS_PROFILE ?? 'default'
  if (!PROFILE_NAME.test(chosen)) {
    throw new CliError('ERR_USAGE', `not a profile name: ${JSON.stringify(chosen)}`, {
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

/** Makes the folders, private to the user, or says why that cannot be done. */
export function prepareFolder(profile: Profile): void {
  try {
    mkdirSync(profile.folder, { recursive: true, mode: 0o700 })
    if (platform() !== 'win32' && !profile.controlSocket.startsWith(profile.folder)) {
      mkdirSync(join(profile.controlSocket, '..'), { recursive: true, mode: 0o700 })
    }
  } catch (cause) {
    throw new CliError('ERR_HOME', `cannot make the data folder ${profile.folder}`, {
      cause,
      fix: 'Set PLEXUS_HOME to a folder that you may write to.',
    })
  }
}

function socketPath(folder: string, name: string): string {
  const digest = createHash('sha256').update(folder).digest('hex').slice(0, 16)
  if (platform() === 'win32') return `\\\\.\\pipe\\plexus-${digest}-${name}`
  const inFolder = join(folder, `${name}.sock`)
  if (Buffer.byteLength(inFolder) <= SOCKET_PATH_MAX_BYTES) return inFolder
  return join(tmpdir(), `plexus-${userInfo().uid}-${digest}`, `${name}.sock`)
}
