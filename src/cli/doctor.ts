import { statfsSync, statSync } from 'node:fs'
import { release, type } from 'node:os'
import { errnoOf, reasonOf } from '../base/index.ts'
import { ControlClient, type Profile } from '../control/index.ts'
import type { NodeStatus, ReachReport, StoreReport } from '../node/index.ts'

export interface Check {
  readonly name: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly detail: string
  /** Present whenever the state is not `ok`. */
  readonly fix?: string
}

const NODE_MAJOR_MIN = 24
const DISK_FREE_MIN_BYTES: number = 512 * 1024 * 1024

/** Looks at everything that can be looked at, with the daemon's help when it runs. Never throws for a finding. */
export async function examine(profile: Profile, signal: AbortSignal): Promise<readonly Check[]> {
  const local = [nodeCheck(), folderCheck(profile), keyCheck(profile), diskCheck(profile), clockCheck()]
  using client = await ControlClient.open(profile)
  if (client === undefined) {
    return [...local, { name: 'daemon', state: 'warn', detail: 'does not run', fix: 'Start it with `plexus up`.' }]
  }
  const [status, store] = await Promise.all([
    client.call('node.status', {}, { signal }) as Promise<NodeStatus>,
    client.call('node.check-store', {}, { signal }) as Promise<StoreReport>,
  ])
  return [
    ...local,
    { name: 'daemon', state: 'ok', detail: `runs, version ${status.version}` },
    storeCheck(store),
    ...nodeChecks(status),
  ]
}

function nodeCheck(): Check {
  const major = Number(process.versions.node.split('.')[0])
  const detail = `Node ${process.versions.node} on ${type()} ${release()}`
  if (major >= NODE_MAJOR_MIN) return { name: 'node', state: 'ok', detail }
  return { name: 'node', state: 'fail', detail, fix: `Install Node ${NODE_MAJOR_MIN} or newer.` }
}

function folderCheck({ folder }: Profile): Check {
  return privateCheck('data folder', folder, 0o077, `Run \`chmod 700 ${folder}\`.`)
}

function keyCheck({ folder }: Profile): Check {
  return privateCheck('identity', `${folder}/identity.json`, 0o077, `Run \`chmod 600 ${folder}/identity.json\`.`)
}

function privateCheck(name: string, path: string, forbidden: number, fix: string): Check {
  try {
    const { mode } = statSync(path)
    const open = process.platform !== 'win32' && (mode & forbidden) !== 0
    if (!open) return { name, state: 'ok', detail: path }
    return { name, state: 'fail', detail: `${path} can be opened by others`, fix }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT')
      return { name, state: 'warn', detail: `${path} is not there yet`, fix: 'Make it with `plexus up`.' }
    return { name, state: 'fail', detail: reasonOf(error), fix: `Make ${path} readable for you.` }
  }
}

function diskCheck({ folder }: Profile): Check {
  try {
    const { bavail, bsize } = statfsSync(folder)
    const free = bavail * bsize
    const detail = `${Math.round(free / 2 ** 20)} MiB free`
    if (free >= DISK_FREE_MIN_BYTES) return { name: 'disk', state: 'ok', detail }
    return {
      name: 'disk',
      state: 'warn',
      detail,
      fix: 'Free some space: a full disk refuses new records; it loses none.',
    }
  } catch (error) {
    return { name: 'disk', state: 'warn', detail: reasonOf(error), fix: 'Make the folder with `plexus up`.' }
  }
}

/** Records of a peer whose clock is more than five minutes ahead are set aside by all others. */
function clockCheck(): Check {
  const now = new Date()
  const detail = now.toISOString()
  if (now.getUTCFullYear() >= 2026) return { name: 'clock', state: 'ok', detail }
  return { name: 'clock', state: 'fail', detail, fix: 'Set the clock of this machine.' }
}

function storeCheck({ integrity, bytes }: StoreReport): Check {
  const detail = `${Math.round(bytes / 2 ** 20)} MiB, ${integrity}`
  if (integrity === 'ok') return { name: 'store', state: 'ok', detail }
  return {
    name: 'store',
    state: 'fail',
    detail,
    fix: 'Stop the daemon, keep a copy of plexus.db, and let the other members fill a new one.',
  }
}

/** Can others connect to this peer? One that cannot be reached from elsewhere can still call others. */
function reachCheck({ from, addresses, reason, fix, relays }: ReachReport): Check {
  const name = 'reachable'
  if (from === 'anywhere') return { name, state: 'ok', detail: `from anywhere, at ${addresses.join(' ')}` }
  const where =
    from === 'network' ? `from its own network, at ${addresses.join(' ')}` : from === 'nowhere' ? 'no' : 'unknown'
  const through =
    relays.length === 0 ? '' : `; ${relays.length === 1 ? 'a member relays' : `${relays.length} members relay`}`
  const detail = `${where}${through}: ${reason ?? ''}`
  if (from !== 'nowhere' || relays.length > 0) return { name, state: 'ok', detail }
  return { name, state: 'warn', detail, fix: fix ?? 'See `plexus status`.' }
}

function nodeChecks(status: NodeStatus): readonly Check[] {
  const components = status.components
    .filter((component) => component.state !== 'ok')
    .map(
      (component): Check => ({
        name: component.name,
        state: component.state === 'failed' ? 'fail' : 'warn',
        detail: component.reason ?? component.state,
        fix: component.fix ?? 'Restart with `plexus down` and `plexus up`.',
      }),
    )
  const { ready, known } = status.peers
  const peers: Check =
    known === ready
      ? { name: 'peers', state: 'ok', detail: `${ready} of ${known} ready` }
      : {
          name: 'peers',
          state: 'warn',
          detail: `${ready} of ${known} ready`,
          fix: 'See with `plexus peers` why for each.',
        }
  const reachable: Check =
    status.addresses.length > 0
      ? { name: 'listening', state: 'ok', detail: status.addresses.join(' ') }
      : {
          name: 'listening',
          state: 'warn',
          detail: 'nobody can reach this peer',
          fix: 'Restart with `plexus down` and `plexus up --listen /ip4/0.0.0.0/tcp/0`.',
        }
  return [peers, reachable, reachCheck(status.reach), ...components]
}
