import type { Command } from 'commander'
import { abortable } from '../../base/index.ts'
import { ControlClient, ControlError, type DaemonOptions, startDaemon } from '../../control/index.ts'
import type { ReachFrom } from '../../network/index.ts'
import type { ComponentReport, NodeStatus, ReachReport } from '../../node/index.ts'
import { type CommandContext, run } from '../command.ts'
import type { DaemonInfo } from '../daemon/run.ts'
import { CliError, EXIT } from '../errors.ts'
import { counted, duration, oneLine, stateWord, styled, table } from '../terminal.ts'
import { goneSentence } from './members.ts'

interface UpOptions {
  readonly name?: string
  readonly listen?: string[]
  readonly mdns?: boolean
  readonly bootstrap?: string[] | false
  readonly discoveryServer?: boolean
  readonly relay?: boolean
  readonly httpPort?: string
  readonly logLevel?: string
  readonly foreground?: boolean
}

/** More than the daemon gives itself for stopping. */
const STOP_TIMEOUT_MS = 15_000

/** `up`, `down`, `status`: the life of the daemon. */
export function addDaemonCommands(program: Command): void {
  program
    .command('up')
    .description('start this peer in the background (or show that it runs)')
    .option('--name <name>', 'how others see this peer; remembered')
    .option('--listen <multiaddr...>', 'where to listen, e.g. /ip4/0.0.0.0/tcp/7424; remembered port by default')
    .option('--mdns', 'look for peers on the local network (the default at first; remembered)')
    .option('--no-mdns', 'do not; remembered')
    .option('--relay', 'relay for members that cannot reach each other; remembered')
    .option('--no-relay', 'do not (the default at first); remembered')
    .option('--bootstrap <multiaddr...>', 'peers of a directory where members find each other again; remembered')
    .option('--no-bootstrap', 'use no directory (the default at first); remembered')
    .option('--discovery-server', 'be a peer of that directory for others; remembered')
    .option('--no-discovery-server', 'do not (the default at first); remembered')
    .option('--http-port <port>', 'loopback port of MCP over HTTP (default 7425, or the next free one)')
    .option('--log-level <level>', 'trace, debug, info, warn, error')
    .option('--foreground', 'stay attached to this terminal')
    .action(run<[UpOptions]>(up))
  program.command('down').description('stop this peer').action(run<[object]>(down))
  program
    .command('status')
    .description('how this peer is doing, on one screen')
    .action(run<[object]>((context) => showStatus(context)))
}

async function up(context: CommandContext, options: UpOptions): Promise<void> {
  const { name, listen, mdns, discoveryServer, relay, httpPort, logLevel } = options
  const bootstrap = options.bootstrap === false ? [] : options.bootstrap
  const port = httpPort === undefined ? undefined : portOf(httpPort)
  const daemonOptions: DaemonOptions = {
    name,
    listen,
    mdns,
    bootstrap,
    discoveryServer,
    relay,
    httpPort: port,
    logLevel,
  }
  const running = await ControlClient.open(context.profile)
  running?.[Symbol.dispose]()
  if (running !== undefined) return await showStatus(context, [alreadyRunning(daemonOptions)])
  if (options.foreground === true) {
    const { runDaemon } = await import('../daemon/run.ts')
    const daemon = await runDaemon(context.profile, daemonOptions)
    context.finish(daemon.info, `running as process ${daemon.info.pid}; stop with Ctrl-C`)
    process.exitCode = await daemon.ended
    process.exit()
  }
  await showStatus(context, await startDaemon(context.profile, daemonOptions))
}

async function down(context: CommandContext): Promise<void> {
  using client = await ControlClient.open(context.profile)
  if (client === undefined) return context.finish({ stopped: false, reason: 'not running' }, 'not running')
  const { pid } = (await client.call('daemon.info', {})) as DaemonInfo
  await client.call('daemon.stop', {})
  await ended(client, pid, context.signal)
  context.finish({ stopped: true, pid }, 'stopped')
}

/** Waits until the daemon's process has ended, so that `down && up` never meets its own past. */
export async function ended(client: ControlClient, pid: number, signal: AbortSignal): Promise<void> {
  const late = new ControlError('ERR_DAEMON_LOST', `process ${pid} did not end in ${STOP_TIMEOUT_MS} ms`, {
    fix: `End it by hand with \`kill ${pid}\`.`,
  })
  try {
    await abortable(client.closed, AbortSignal.any([signal, AbortSignal.timeout(STOP_TIMEOUT_MS)]))
  } catch {
    throw signal.aborted ? signal.reason : late
  }
}

async function showStatus(context: CommandContext, notes: readonly string[] = []): Promise<void> {
  const status = await context.ask<NodeStatus>('node.status')
  const daemon = await context.ask<DaemonInfo>('daemon.info')
  const allNotes = [...new Set([...notes, ...daemon.notes])]
  const exitCode = status.state === 'ok' ? EXIT.ok : status.state === 'degraded' ? EXIT.degraded : EXIT.failed
  context.finish({ ...status, daemon, notes: allNotes }, statusScreen(status, daemon, allNotes), exitCode)
}

function statusScreen(status: NodeStatus, daemon: DaemonInfo, notes: readonly string[]): string {
  const lines = [
    `plexus ${stateWord(status.state)}  ${styled('bold', oneLine(status.name, 64))}  up ${duration(status.uptimeMs)}  version ${status.version}`,
    `peer       ${status.peer}`,
    `network    ${status.peers.ready} of ${status.peers.known} peers ready   listening on ${counted(status.addresses.length, 'address', 'addresses')}`,
    `reach      ${reachLine(status.reach)}`,
    `store      ${counted(status.records, 'record')}`,
    ...(daemon.mcpUrl === undefined ? [] : [`mcp        ${daemon.mcpUrl}   or the command: plexus mcp`]),
    '',
    table(
      ['SPACE', 'ROLE', 'MEMBERS', 'BEHIND', 'IN STEP WITH'],
      status.spaces.map((space) => [
        space.personal ? 'private' : oneLine(space.name, 32),
        space.role ?? space.former?.reason ?? '-',
        String(space.members),
        String(space.progress.behind),
        space.personal && space.members < 2 ? '-' : `${space.progress.inStepWith.length}`,
      ]),
    ),
  ]
  if (status.spaces.every((space) => space.personal)) {
    lines.push('', 'share with others: plexus invite here, plexus join TICKET there')
  }
  for (const { former, name } of status.spaces) {
    if (former !== undefined && former.reason !== 'left') lines.push('', goneSentence(former, name))
  }
  const troubled = status.components.filter((component) => component.state !== 'ok')
  if (troubled.length > 0) lines.push('', ...troubled.map(componentLine))
  if (notes.length > 0) lines.push('', ...notes.map((note) => `note: ${note}`))
  return lines.join('\n')
}

const REACHABLE_FROM: Readonly<Record<ReachFrom, string>> = {
  anywhere: 'from anywhere',
  network: 'from its own network',
  nowhere: 'from nowhere',
  unknown: 'not known yet',
}

function reachLine({ from, relays, relaying }: ReachReport): string {
  const through = relays.length === 0 ? [] : [`through ${counted(relays.length, 'relaying member')}`]
  return [REACHABLE_FROM[from], ...through, ...(relaying ? ['relays for members'] : [])].join('; ')
}

function componentLine(component: ComponentReport): string {
  const fix = component.fix === undefined ? '' : `\n           fix: ${component.fix}`
  return `${component.name.padEnd(10)} ${stateWord(component.state)}  ${oneLine(component.reason ?? '', 300)}${fix}`
}

function portOf(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port
  throw new CliError('ERR_USAGE', `not a port: ${JSON.stringify(text)}`, { fix: 'Give a number from 0 to 65535.' })
}

/** Options that a running daemon does not take up are not passed over in silence. */
function alreadyRunning(options: DaemonOptions): string {
  const isAsked = Object.values(options).some((value) => value !== undefined)
  return isAsked
    ? 'already running; the options take effect after `plexus down`, with `plexus up` and them again'
    : 'already running'
}
