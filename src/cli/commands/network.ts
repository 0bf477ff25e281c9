import type { Command } from 'commander'
import { ensureDaemon } from '../../control/index.ts'
import type { InviteReport, PeerReport, PingReport } from '../../node/index.ts'
import type { JoinReport } from '../../sync/index.ts'
import { type CommandContext, numberOption, run, spanOf } from '../command.ts'
import { age, counted, duration, oneLine, progressLine, stateWord, styled, table } from '../terminal.ts'
import { roleOf } from './members.ts'

interface InviteOptions {
  readonly space?: string
  readonly role?: string
  readonly uses?: string
  readonly expires?: string
}

/** `invite`, `join`, `peers`, `ping`: who is in, and how they are reached. */
export function addNetworkCommands(program: Command): void {
  program
    .command('invite')
    .description('make a ticket that lets one more peer in')
    .option('--space <name>', 'which space (default: the newest shared one, or a new one called "home")')
    .option('--role <role>', 'relay, reader, writer or admin (default writer)')
    .option('--uses <n>', 'how many peers may use it (default 1)')
    .option('--expires <time>', 'e.g. 10m, 12h, 7d (default 7d)')
    .action(run<[InviteOptions]>(invite))
  program
    .command('join')
    .argument('<ticket>', 'what `plexus invite` printed on the other machine')
    .description('become a member of a space; starts this peer if it does not run')
    .action(run<[string, object]>(join))
  program
    .command('peers')
    .option('--wait <n>', 'first wait until so many peers are ready (at most 30 s)')
    .description('the peers of our spaces and how each is reached')
    .action(run<[{ wait?: string }]>(peers))
  program
    .command('ping')
    .argument('<peer>', 'name, peer id, or the end of one')
    .option('--count <n>', 'how many times (default 3)')
    .description('round trip to a peer')
    .action(run<[string, { count?: string }]>(ping))
}

async function invite(context: CommandContext, options: InviteOptions): Promise<void> {
  const report = await context.ask<InviteReport>('space.invite', {
    space: options.space,
    role: options.role === undefined ? undefined : roleOf(options.role),
    uses: numberOption('uses', options.uses),
    ttlMs: options.expires === undefined ? undefined : spanOf(options.expires),
  })
  const uses = report.uses === 1 ? 'one peer' : `${report.uses} peers`
  const { unreachable } = report
  const warning =
    unreachable === undefined
      ? ''
      : `\n\nit may not work from elsewhere: ${oneLine(unreachable.reason, 300)}\nfix: ${unreachable.fix}`
  context.finish(
    report,
    `plexus join ${report.ticket}\n\n${styled('dim', `lets ${uses} into "${oneLine(report.space.name)}" as ${report.role}, valid ${duration(report.expires - Date.now())}; whoever has it can join, so send it privately`)}${warning}`,
  )
}

async function join(context: CommandContext, ticket: string): Promise<void> {
  using client = await ensureDaemon(context.profile)
  const line = progressLine()
  const report = (await client
    .call(
      'space.join',
      { ticket },
      {
        signal: context.signal,
        onProgress: ({ message }) => line.show((message ?? '').replaceAll('-', ' ')),
      },
    )
    .finally(() => line.end())) as JoinReport
  context.finish(
    report,
    `member of "${oneLine(report.name)}": ${counted(report.members, 'member')}, ${counted(report.records, 'record')} here`,
  )
}

async function peers(context: CommandContext, options: { readonly wait?: string }): Promise<void> {
  const waitFor = numberOption('wait', options.wait)
  const report = await context.ask<{ peers: readonly PeerReport[] }>('peers.list', { waitFor })
  if (report.peers.length === 0) return context.finish(report, 'no peers yet; let one in with: plexus invite')
  const rows = report.peers.map((peer) => [
    oneLine(peer.name ?? '?', 24),
    stateWord(peer.state),
    peer.rttMs === undefined ? '-' : duration(peer.rttMs),
    linkWords(peer, report.peers),
    peer.spaces.map((space) => `${oneLine(space.name, 20)}:${space.role}`).join(' '),
    peer.peer.slice(-12),
    troubleOf(peer),
  ])
  context.finish(report, table(['NAME', 'STATE', 'RTT', 'LINK', 'SPACES', 'PEER', ''], rows))
}

/** What leads to a peer, e.g. `direct tls` or `relayed via ada`. */
function linkWords({ kind, encryption, via }: PeerReport, all: readonly PeerReport[]): string {
  const middle = all.find(({ peer }) => peer === via)?.name ?? via?.slice(-12)
  const words = [kind, encryption, middle === undefined ? undefined : `via ${oneLine(middle, 24)}`]
  return words.filter((word) => word !== undefined).join(' ') || '-'
}

function troubleOf({ state, reason, since, fix }: PeerReport): string {
  if (state === 'ready') return oneLine(reason ?? '')
  return `${oneLine(reason ?? '')} (${age(since)})${fix === undefined ? '' : ` fix: ${fix}`}`
}

async function ping(context: CommandContext, peer: string, options: { readonly count?: string }): Promise<void> {
  const count = numberOption('count', options.count)
  const report = await context.ask<PingReport>('peers.ping', { peer, count })
  const times = report.rttsMs.map((rtt) => duration(rtt)).join(', ')
  context.finish(
    report,
    `pong from ${oneLine(report.name ?? report.peer)} ${report.kind ?? ''} ${report.address ?? ''}: ${times}`,
  )
}
