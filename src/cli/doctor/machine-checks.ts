import { byteCount } from '../top/numbers.ts'
import { type Check, type Examination, fail, ok, warn } from './check.ts'
import type { FileFact } from './facts.ts'

const NODE_MAJOR_MIN = 24
const DISK_FREE_MIN_BYTES: number = 512 * 1024 * 1024
/** Below this, what is being written now may not fit. */
const DISK_FREE_LEAST_BYTES: number = 32 * 1024 * 1024
/** A clock may be a day off without being wrong: the file's time may be of another zone. */
const CLOCK_TOLERANCE_MS: number = 24 * 3_600_000
const CRASH_AGE_MAX_MS: number = 7 * 24 * 3_600_000

/** What can be looked at without a daemon. */
export const MACHINE_CHECKS: readonly Examination[] = [
  ({ nodeVersion, system }) => {
    const detail = `Node ${nodeVersion} on ${system}`
    if (Number.parseInt(nodeVersion, 10) >= NODE_MAJOR_MIN) return ok('node', detail)
    return fail('node', detail, `Install Node ${NODE_MAJOR_MIN} or newer.`)
  },
  ({ folder, windows }) => ownAlone('data folder', folder, windows, 'chmod 700'),
  ({ key, windows }) => ownAlone('identity', key, windows, 'chmod 600'),
  ({ tokenFile, windows }) => ownAlone('http token', tokenFile, windows, 'chmod 600'),
  ({ socketFolderError }) =>
    socketFolderError === undefined
      ? ok('sockets', 'only you can get at them')
      : fail('sockets', socketFolderError, 'Remove that folder, or set PLEXUS_HOME to a shorter path.'),
  ({ disk }) => {
    if (disk === undefined) return undefined
    const detail = `${byteCount(disk.freeBytes)} free`
    const fix = 'Free some space: a full disk refuses new records; it loses none.'
    if (disk.freeBytes < DISK_FREE_LEAST_BYTES) return fail('disk', detail, fix)
    return disk.freeBytes < DISK_FREE_MIN_BYTES ? warn('disk', detail, fix) : ok('disk', detail)
  },
  ({ disk, folder }) => {
    if (disk === undefined) return undefined
    if (disk.writeError === undefined) return ok('disk writes', 'a file was written and removed')
    return fail('disk writes', disk.writeError, `See that ${folder.path} is yours and its disk not mounted read-only.`)
  },
  ({ now, installedAt }) => {
    const detail = iso(now)
    if (now >= installedAt - CLOCK_TOLERANCE_MS) return ok('clock', detail)
    return fail(
      'clock',
      `${detail}, but this program was installed ${iso(installedAt)}`,
      'Set the clock of this machine.',
    )
  },
  ({ multicastError, daemon }) => {
    const isOff = typeof daemon === 'object' && daemon.settings.mdns === 'off'
    if (isOff) return ok('local network', 'not looked at: mDNS is off')
    if (multicastError === undefined) return ok('local network', 'mDNS is possible')
    const fix =
      'Peers on this network are not found by themselves: use tickets, or turn it off with `plexus up --no-mdns`.'
    return warn('local network', `mDNS is not possible: ${multicastError}`, fix)
  },
  ({ crashes, now }) => {
    const recent = crashes.filter((at) => now - at < CRASH_AGE_MAX_MS)
    const newest = Math.max(...recent)
    if (recent.length === 0) return ok('crashes', 'none in seven days')
    const fix = 'Read the newest file in `crashes`, or make a report of it with `plexus support-bundle`.'
    return warn('crashes', `${recent.length} in seven days, the last ${iso(newest)}`, fix)
  },
  ({ mcpClients }) => {
    const missing = mcpClients.flatMap(({ name, entries }) =>
      entries.filter(({ isThere }) => !isThere).map(({ command }) => `${name} starts ${command}`),
    )
    if (missing.length > 0) {
      const fix = 'Correct the command in that client: `plexus mcp`, with the path that `which plexus` prints.'
      return warn('mcp clients', `${missing.join('; ')}, which is not there`, fix)
    }
    const using = mcpClients.filter(({ entries }) => entries.length > 0).map(({ name }) => name)
    if (using.length > 0) return ok('mcp clients', `${using.join(', ')} start Plexus`)
    const found = mcpClients.map(({ name, error }) => (error === undefined ? name : `${name} (${error})`))
    return ok('mcp clients', found.length === 0 ? 'none found' : `found ${found.join(', ')}; none starts Plexus`)
  },
]

function ownAlone(name: string, { path, mode, error }: FileFact, windows: boolean, command: string): Check {
  if (error !== undefined) return fail(name, error, `Make ${path} readable for you.`)
  if (mode === undefined) return warn(name, `${path} is not there yet`, 'Make it with `plexus up`.')
  if (windows || (mode & 0o077) === 0) return ok(name, path)
  return fail(name, `${path} can be opened by others`, `Run \`${command} '${path}'\`.`)
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
