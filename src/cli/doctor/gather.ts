import { createSocket } from 'node:dgram'
import { readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { networkInterfaces, release, type } from 'node:os'
import { join } from 'node:path'
import { codeOf, errnoOf, reasonOf } from '../../base/index.ts'
import { assertOwnSockets, ControlClient, type Profile } from '../../control/index.ts'
import type { PeerClock } from '../../node/index.ts'
import type { Sample } from '../daemon/sample.ts'
import { VERSION } from '../version.ts'
import type { DaemonFacts, DialFact, Facts, FileFact } from './facts.ts'
import { findMcpClients } from './mcp-clients.ts'

const MDNS_GROUP = '224.0.0.251'
const DIAL_TIMEOUT_MS = 2_000
const DIALS_MAX = 16
/** For all that the daemon is asked; peers have two seconds to tell their time. */
const FACTS_TIMEOUT_MS = 10_000
const CRASHES_MAX = 1_000

/** Looks at this machine, the profile and, if it runs, the daemon. Reads only, but for one file that it writes and removes. */
export async function gatherFacts(profile: Profile, signal: AbortSignal): Promise<Facts> {
  const { folder } = profile
  const [daemon, multicastError] = await Promise.all([askDaemon(profile, signal), joinMulticast()])
  return {
    nodeVersion: process.versions.node,
    version: VERSION,
    system: `${type()} ${release()}`,
    windows: process.platform === 'win32',
    now: Date.now(),
    installedAt: statSync(new URL('../../../package.json', import.meta.url)).mtimeMs,
    folder: fileFact(folder),
    key: fileFact(join(folder, 'identity.json')),
    tokenFile: fileFact(profile.tokenFile),
    socketFolderError: reasonIfThrown(() => assertOwnSockets(profile)),
    disk: diskFact(folder),
    recorded: recordedProcess(profile),
    daemon,
    store: await storeFact(folder),
    crashes: crashTimes(folder),
    hasIpv6: Object.values(networkInterfaces())
      .flat()
      .some((address) => address?.family === 'IPv6' && !address.internal),
    multicastError,
    mcpClients: findMcpClients(),
  }
}

/** Never rejects but when `signal` aborts: that the daemon does not answer is a finding too. */
async function askDaemon(profile: Profile, signal: AbortSignal): Promise<Facts['daemon']> {
  try {
    const begun = performance.now()
    using client = await ControlClient.open(profile)
    if (client === undefined) return 'down'
    const answerMs = performance.now() - begun
    return await factsOf(client, answerMs, AbortSignal.any([signal, AbortSignal.timeout(FACTS_TIMEOUT_MS)]))
  } catch (error) {
    signal.throwIfAborted()
    // The check of the sockets says what is wrong with their folder.
    if (codeOf(error) === 'ERR_HOME') return 'down'
    return codeOf(error) === 'ERR_UNKNOWN_OPERATION' ? 'older' : 'silent'
  }
}

async function factsOf(client: ControlClient, answerMs: number, signal: AbortSignal): Promise<DaemonFacts> {
  const call = async <T>(op: string): Promise<T> => (await client.call(op, {}, { signal })) as T
  const [info, sample, settings, { clocks }] = await Promise.all([
    call<DaemonFacts['info']>('daemon.info'),
    call<Sample>('daemon.sample'),
    call<DaemonFacts['settings']>('daemon.settings'),
    call<{ readonly clocks: readonly PeerClock[] }>('peers.clocks'),
  ])
  const addresses = sample.status.addresses.slice(0, DIALS_MAX)
  const local = localHosts()
  const [dials, http] = await Promise.all([
    Promise.all(addresses.map((address) => dial(address, local))),
    lookAtHttp(info.mcpUrl),
  ])
  return { info, answerMs, sample, settings, clocks, http, dials: dials.flat(), openFilesMax: openFilesMax(info.pid) }
}

/** Addresses of this machine itself: those that a router has for it may not be reached from within. */
function localHosts(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flat()
  return new Set(['127.0.0.1', '::1', ...all.flatMap((one) => one?.address ?? [])])
}

/** Connects to an address that the daemon listens on; none for those that are no plain TCP of this machine. */
async function dial(multiaddr: string, local: ReadonlySet<string>): Promise<readonly DialFact[]> {
  const [, host, port] = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)(?:\/p2p\/[^/]+)?$/.exec(multiaddr) ?? []
  if (host === undefined || !local.has(host)) return []
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const socket = connect({ host, port: Number(port), timeout: DIAL_TIMEOUT_MS })
  socket.once('connect', () => resolve(undefined))
  socket.once('timeout', () => resolve(`no answer in ${DIAL_TIMEOUT_MS} ms`))
  socket.once('error', (error) => resolve(reasonOf(error)))
  const error = await promise
  socket.destroy()
  return [{ address: `${host} port ${port}`, error }]
}

async function lookAtHttp(mcpUrl: string | undefined): Promise<DialFact | undefined> {
  if (mcpUrl === undefined) return undefined
  try {
    const response = await fetch(new URL('/livez', mcpUrl), { signal: AbortSignal.timeout(DIAL_TIMEOUT_MS) })
    return { address: mcpUrl, error: response.ok ? undefined : `/livez answers ${response.status}` }
  } catch (error) {
    return { address: mcpUrl, error: `/livez does not answer: ${reasonOf(error)}` }
  }
}

/** Joins the group of mDNS for a moment and says nothing to it. */
async function joinMulticast(): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  socket.once('error', (error) => resolve(reasonOf(error)))
  socket.bind(0, () => resolve(reasonIfThrown(() => socket.addMembership(MDNS_GROUP))))
  const error = await promise
  socket.close()
  return error
}

function fileFact(path: string): FileFact {
  try {
    return { path, mode: statSync(path).mode }
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? { path } : { path, error: reasonOf(error) }
  }
}

function diskFact(folder: string): Facts['disk'] {
  const probe = join(folder, `doctor-${process.pid}.tmp`)
  try {
    const { bavail, bsize } = statfsSync(folder)
    const writeError = reasonIfThrown(() => writeFileSync(probe, 'x', { mode: 0o600 }))
    rmSync(probe, { force: true })
    return { freeBytes: bavail * bsize, writeError }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function recordedProcess({ infoFile }: Profile): Facts['recorded'] {
  try {
    const { pid } = JSON.parse(readFileSync(infoFile, 'utf8')) as { readonly pid: number }
    return { pid, isRunning: isRunning(pid) }
  } catch {
    // Not there, or half written when the power went: either way it names nobody.
    return undefined
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch (error) {
    return errnoOf(error) === 'EPERM'
  }
}

/** Has it ended, and only its parent does not know yet? Other systems than Linux do not tell. */
function isZombie(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** Reads the whole database with a connection of its own: the daemon, if it runs, goes on meanwhile. */
async function storeFact(folder: string): Promise<Facts['store']> {
  const path = join(folder, 'plexus.db')
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined
  try {
    const { inspectStore } = await import('../../node/index.ts')
    const walBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
    return { ...inspectStore(path), walBytes }
  } catch (error) {
    return { error: reasonOf(error) }
  }
}

function crashTimes(folder: string): readonly number[] {
  try {
    const names = readdirSync(join(folder, 'crashes')).slice(-CRASHES_MAX)
    return names.map((name) => Number.parseInt(name, 10)).filter((at) => Number.isFinite(at))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}

/** The soft limit of a process, from the file that Linux keeps about it. */
function openFilesMax(pid: number): number | undefined {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1]
    return limit === undefined ? undefined : Number(limit)
  } catch {
    // Other systems do not tell.
    return undefined
  }
}

function reasonIfThrown(work: () => void): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return reasonOf(error)
  }
}
