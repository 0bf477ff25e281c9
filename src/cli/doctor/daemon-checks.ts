import { HLC_MAX_AHEAD_MS, plainName, shortPeerId } from '../../base/index.ts'
import type { ReachReport } from '../../node/index.ts'
import { counted, duration } from '../terminal.ts'
import { byteCount } from '../top/numbers.ts'
import { busFigure } from '../top/rates.ts'
import { type Check, type Examination, fail, ok, warn } from './check.ts'
import type { DaemonFacts } from './facts.ts'

const RESTART = 'Restart with `plexus down` and `plexus up`.'
const ANSWER_SLOW_MS = 1_000
const LOOP_DELAY_MAX_SECONDS = 0.25
const RESIDENT_MAX_BYTES: number = 1024 * 1024 * 1024
/** Of the files that the daemon may have open. */
const OPEN_FILES_MAX_SHARE = 0.8
const OPEN_FILES_LEAST = 1_024
/** A clock that is so much off is worth a word; one beyond what others accept is a fault. */
const SKEW_WARN_MS = 5_000
const NAMES_SHOWN = 3

type DaemonExamination = (daemon: DaemonFacts, version: string) => Check | undefined

/** Whether it runs at all, and what needs the rest of the machine too. */
export const PROCESS_CHECKS: readonly Examination[] = [
  ({ daemon, recorded }) => {
    if (daemon === 'silent') {
      const pid = recorded === undefined ? 'its process' : `process ${recorded.pid}`
      return fail(
        'daemon',
        'it has its socket open and does not answer',
        `End ${pid}, then start it with \`plexus up\`.`,
      )
    }
    if (daemon === 'older')
      return fail('daemon', 'it is older than this command, and does not know what it asks', RESTART)
    if (daemon !== 'down') return ok('daemon', `process ${daemon.info.pid} runs`)
    return warn('daemon', 'does not run', 'Start it with `plexus up`.')
  },
  ({ daemon, recorded }) => {
    if (daemon !== 'down' || recorded === undefined) return undefined
    if (!recorded.isRunning) {
      const detail = `process ${recorded.pid} ended without a goodbye; nothing that was stored is lost`
      return warn('last end', detail, 'Start it with `plexus up`; read the end of daemon.log, and `crashes`.')
    }
    const fix = `If process ${recorded.pid} is a Plexus daemon, end it; if not, delete daemon.json.`
    return fail('last end', `process ${recorded.pid} lives, and nobody listens on its socket`, fix)
  },
  ({ daemon, hasIpv6 }) => {
    if (typeof daemon !== 'object' || !(daemon.settings.listen ?? '').includes('/ip6/')) return undefined
    if (hasIpv6) return ok('ipv6', 'this machine has an address')
    const fix =
      'Nothing, if peers reach you by IPv4. Otherwise turn IPv6 on, or listen elsewhere with `plexus up --listen`.'
    return warn('ipv6', 'this peer listens on IPv6, and this machine has no such address', fix)
  },
]

const CHECKS: readonly DaemonExamination[] = [
  ({ info }, version) => {
    if (info.version === version) return ok('version', version)
    return warn('version', `the daemon is ${info.version}, this command ${version}`, RESTART)
  },
  ({ answerMs }) => {
    const detail = `answered in ${duration(answerMs)}`
    if (answerMs <= ANSWER_SLOW_MS) return ok('control socket', detail)
    return warn(
      'control socket',
      detail,
      'Look with `plexus top` at what keeps it busy, and at how busy this machine is.',
    )
  },
  ({ http, info }) => {
    if (http?.error === undefined && http !== undefined) return ok('mcp over http', http.address)
    const why = http?.error ?? info.notes.find((note) => note.includes('MCP')) ?? 'it does not listen'
    return warn(
      'mcp over http',
      why,
      'Choose a free port with `plexus up --http-port N` after `plexus down`; `plexus mcp` works without.',
    )
  },
  ({ sample, info }) => {
    const { addresses } = sample.status
    const moved = info.notes.find((note) => note.includes('of last time is taken'))
    if (addresses.length === 0) {
      const fix = 'Restart with `plexus down` and `plexus up --listen /ip4/0.0.0.0/tcp/0`.'
      return warn('listening', 'nobody can reach this peer', fix)
    }
    if (moved === undefined)
      return ok('listening', addresses.map((address) => address.replace(/\/p2p\/.*/, '')).join(' '))
    return warn('listening', moved, 'Peers that remember the old port find this one by others; give old tickets anew.')
  },
  ({ dials }) => {
    const refused = dials.filter(({ error }) => error !== undefined)
    if (dials.length === 0) return undefined
    if (refused.length === 0) return ok('own dial', `${dials.length} of ${dials.length} addresses answer this machine`)
    const detail = refused.map(({ address, error }) => `${address}: ${error}`).join('; ')
    return warn('own dial', detail, 'See whether a firewall of this machine keeps others out of that port.')
  },
  ({ sample }) => reachCheck(sample.status.reach),
  ({ sample }) => {
    const seconds = sample.process.eventLoopDelaySeconds
    const detail = `timers fire ${duration(seconds * 1_000)} late (99 of 100 no later)`
    if (seconds <= LOOP_DELAY_MAX_SECONDS) return ok('event loop', detail)
    return warn('event loop', detail, 'Look with `plexus top` at what keeps it busy, and at how busy this machine is.')
  },
  ({ sample }) => {
    const { residentBytes, heapUsedBytes } = sample.process
    const detail = `${byteCount(residentBytes)} resident, ${byteCount(heapUsedBytes)} heap`
    if (residentBytes <= RESIDENT_MAX_BYTES) return ok('memory', detail)
    return warn('memory', detail, `${RESTART} If it grows again, send a \`plexus support-bundle\`.`)
  },
  ({ sample, openFilesMax }) => {
    const { openFiles } = sample.process
    if (openFiles === undefined || openFilesMax === undefined) return undefined
    const detail = `${openFiles} of ${openFilesMax}`
    if (openFilesMax >= OPEN_FILES_LEAST && openFiles <= openFilesMax * OPEN_FILES_MAX_SHARE)
      return ok('open files', detail)
    return warn('open files', detail, 'Raise the limit with `ulimit -n 4096` before `plexus up`.')
  },
  ({ info }) => {
    if (info.logLinesLost === 0) return ok('log', info.logFile)
    return warn(
      'log',
      `${info.logLinesLost} lines could not be written`,
      'Free some space, and see that daemon.log is yours.',
    )
  },
  ({ sample }) => {
    const { ready, known } = sample.status.peers
    const detail = `${ready} of ${known} ready`
    return ready === known ? ok('peers', detail) : warn('peers', detail, 'See with `plexus peers` why for each.')
  },
  ({ sample }) => {
    const refused = sample.peers.filter(({ state }) => state === 'refused')
    if (refused.length === 0) return ok('refusals', 'no member refuses us or is refused')
    const shown = refused
      .slice(0, NAMES_SHOWN)
      .map(({ peer, name, reason }) => `${plainName(name ?? shortPeerId(peer))}: ${reason ?? 'no reason'}`)
    const more = refused.length > shown.length ? ` and ${refused.length - shown.length} more` : ''
    return warn(
      'refusals',
      shown.join('; ') + more,
      'Compare on both sides what `plexus status` says of the space; a new ticket helps.',
    )
  },
  ({ clocks, sample }) => {
    if (clocks.length === 0) return undefined
    const off = clocks.filter(({ offsetMs, uncertaintyMs }) => Math.abs(offsetMs) - uncertaintyMs > SKEW_WARN_MS)
    if (off.length === 0)
      return ok(
        'clocks',
        `within 5 s of ${clocks.length === 1 ? 'the one peer' : `all ${clocks.length} peers`} that told theirs`,
      )
    const nameOf = (peer: string): string =>
      plainName(sample.peers.find((one) => one.peer === peer)?.name ?? peer.slice(-8))
    const detail = off
      .slice(0, NAMES_SHOWN)
      .map(
        ({ peer, offsetMs }) =>
          `${nameOf(peer)} is ${duration(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead' : 'behind'}`,
      )
      .join(', ')
    const ours =
      off.length > clocks.length / 2
        ? 'Set the clock of this machine: most others disagree with it.'
        : 'Tell them to set their clocks.'
    const isWorst = off.some(({ offsetMs }) => Math.abs(offsetMs) > HLC_MAX_AHEAD_MS)
    return isWorst ? fail('clocks', detail, ours) : warn('clocks', detail, ours)
  },
  ({ sample }) => {
    const behind = sample.status.spaces.reduce((sum, { progress }) => sum + progress.behind, 0)
    if (behind === 0) return ok('sync', 'nothing is known to be missing')
    return warn(
      'sync',
      `${behind} records are missing`,
      'Nothing while `plexus top` shows that they come; otherwise see `plexus peers`.',
    )
  },
  ({ sample }) => {
    const overloads = busFigure(sample, 'droppedFull')
    if (overloads === 0) return ok('bus', 'no message was dropped at a full lane')
    return warn(
      'bus',
      `${overloads} messages were dropped at full lanes`,
      'See with `plexus events --kind overload` which peers do not keep up.',
    )
  },
]

/** Can others connect to this peer? One that cannot be reached from elsewhere can still call others. */
function reachCheck({ from, addresses, reason, fix, relays }: ReachReport): Check {
  const where = { anywhere: 'from anywhere', network: 'from its own network', nowhere: 'no', unknown: 'unknown' }[from]
  const at = from === 'anywhere' || from === 'network' ? `, at ${addresses.join(' ')}` : ''
  const through = relays.length === 0 ? '' : `; ${counted(relays.length, 'member relays', 'members relay')}`
  const detail = `${where}${at}${through}${reason === undefined ? '' : `: ${reason}`}`
  if (from !== 'nowhere' || relays.length > 0) return ok('reachable', detail)
  return warn('reachable', detail, fix ?? 'Ask a member that others reach to relay, with `plexus up --relay`.')
}

/** Needs an answer of the daemon. */
export const DAEMON_CHECKS: readonly Examination[] = CHECKS.map(
  (check): Examination =>
    ({ daemon, version }) =>
      typeof daemon === 'object' ? check(daemon, version) : undefined,
)

/** One for each component that is not well. */
export function componentChecks({ sample }: DaemonFacts): readonly Check[] {
  return sample.status.components
    .filter(({ state }) => state !== 'ok')
    .map(({ name, state, reason, fix }) => {
      const finding = state === 'failed' ? fail : warn
      return finding(name, reason ?? state, fix ?? RESTART)
    })
}
