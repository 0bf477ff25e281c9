import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:net'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type Caller, codeOf, LOG_LEVELS, type Logger, type LogLevel, reasonOf } from '../../base/index.ts'
import {
  CONTROL_MAX_CONNECTIONS,
  ControlError,
  type DaemonOptions,
  type Profile,
  prepareFolder,
} from '../../control/index.ts'
import type { McpFace } from '../../mcp/index.ts'
import type { PlexusNode } from '../../node/index.ts'
import { CliError, EXIT } from '../errors.ts'
import { VERSION } from '../version.ts'
import { type CallOperation, listenOnSocket, serveControl } from './control-server.ts'
import { Ending } from './ending.ts'
import { LogFile } from './log-file.ts'
import { monitoringRoutes } from './monitoring.ts'
import { takeSample } from './sample.ts'
import { Vitals } from './vitals.ts'

const HTTP_PORT_SETTING = 'http-port'
const SETTINGS = ['name', 'listen', 'port', 'mdns', 'relay', 'discovery-server', HTTP_PORT_SETTING]

/** What `daemon.json` says to people and to `plexus doctor`; the lock, not this file, decides who owns the profile. */
export interface DaemonInfo {
  readonly pid: number
  readonly version: string
  readonly started: number
  readonly peer: string
  readonly name: string
  readonly addresses: readonly string[]
  readonly mcpUrl: string | undefined
  readonly controlSocket: string
  readonly mcpSocket: string
  readonly logFile: string
  readonly notes: readonly string[]
}

export interface RunningDaemon {
  /** Things worth a line: a port that was taken, a face that could not start. */
  readonly notes: readonly string[]
  readonly info: DaemonInfo
  /** Settles with the process's exit code. */
  readonly ended: Promise<number>
  stop(): void
}

/** Runs a whole daemon in this process: the peer, its control socket, and the MCP faces. */
export async function runDaemon(profile: Profile, options: DaemonOptions): Promise<RunningDaemon> {
  prepareFolder(profile)
  const logFile = openLog(profile)
  const { createNode, pinoLogger } = await import('../../node/index.ts')
  const log = pinoLogger({ level: logLevel(options.logLevel), write: (line) => logFile.write(line) })
  await using cleanup = new AsyncDisposableStack()
  const node = await createNode({
    folder: profile.folder,
    name: options.name,
    defaultName: defaultName(profile),
    listen: options.listen,
    mdns: options.mdns,
    bootstrap: options.bootstrap,
    discoveryServer: options.discoveryServer,
    relay: options.relay,
    version: VERSION,
    log,
  })
  cleanup.use(node)
  // What the daemon itself has to say is remembered beside what its node has.
  const daemon = await serve(profile, options, { node, log: node.eventLog.logger(log, 'daemon'), logFile, cleanup })
  // All of it runs now and stops in its own order.
  cleanup.move()
  return daemon
}

function openLog({ folder, logFile }: Profile): LogFile {
  try {
    return new LogFile(logFile)
  } catch (cause) {
    throw new ControlError('ERR_HOME', `the data folder ${folder} cannot be written: ${reasonOf(cause)}`, {
      cause,
      fix: 'See that it is yours, that its disk is neither full nor write-protected, or set PLEXUS_HOME to another.',
    })
  }
}

/** `cleanup` is what a failure on the way takes down again. */
async function serve(
  profile: Profile,
  options: DaemonOptions,
  of: {
    readonly node: PlexusNode
    readonly log: Logger
    readonly logFile: LogFile
    readonly cleanup: AsyncDisposableStack
  },
): Promise<RunningDaemon> {
  const { node, log, logFile, cleanup } = of
  const { createMcpFace, STREAMS_MAX } = await import('../../mcp/index.ts')
  const notes: string[] = [...node.notes]
  const mcp = await createMcpFace({ node, log: log.child({ module: 'mcp' }) })
  cleanup.defer(() => mcp.close())
  const vitals = cleanup.use(new Vitals({ folder: profile.folder }))
  const mcpUrl = await listenHttp({ mcp, node, vitals, profile, options, notes, log })
  const info = infoOf(node, profile, { mcpUrl, notes })
  const servers: Server[] = []
  const ending = new Ending(async () => {
    for (const server of servers) server.close()
    await mcp.close()
    await node.stop()
    rmSync(profile.infoFile, { force: true })
    log.info({ pid: info.pid }, 'the daemon has stopped')
  }, log)
  const call = controlCalls({ node, vitals, info, logFile, ending })
  const listen = async (...of: Parameters<typeof listenOnSocket>): Promise<void> => {
    const server = await listenOnSocket(...of)
    servers.push(server)
    cleanup.defer(() => void server.close())
  }
  await listen(profile.mcpSocket, STREAMS_MAX, (socket) => mcp.serveStream(socket))
  await listen(profile.controlSocket, CONTROL_MAX_CONNECTIONS, (socket) =>
    serveControl(socket, call, log.child({ module: 'control' })),
  )
  writeFileSync(profile.infoFile, `${JSON.stringify(info, null, 2)}\n`, { mode: 0o600 })

  log.info({ pid: info.pid, version: VERSION, peer: info.peer, addresses: info.addresses, mcpUrl }, 'the daemon runs')
  process.on('SIGTERM', () => ending.begin())
  process.on('SIGINT', () => ending.begin())
  process.on('uncaughtException', (error) => crash(profile, error, log))
  process.on('unhandledRejection', (reason) => crash(profile, reason, log))
  void node.stopped.then((error) => {
    if (ending.begun) return
    if (error !== undefined) log.error({ code: error.code, reason: error.message }, 'the peer cannot go on')
    ending.begin(error === undefined ? EXIT.ok : EXIT.lost)
  })
  return { notes, info, ended: ending.exitCode, stop: () => ending.begin() }
}

function infoOf(node: PlexusNode, profile: Profile, faces: Pick<DaemonInfo, 'mcpUrl' | 'notes'>): DaemonInfo {
  return {
    pid: process.pid,
    version: VERSION,
    started: Date.now(),
    peer: node.peer,
    name: node.name,
    addresses: node.transport.addresses(),
    controlSocket: profile.controlSocket,
    mcpSocket: profile.mcpSocket,
    logFile: profile.logFile,
    ...faces,
  }
}

/** What was chosen once and is remembered; those that were never chosen are absent. */
function settingsOf({ settings }: PlexusNode): Readonly<Record<string, string>> {
  const kept = SETTINGS.map((name) => [name, settings.setting(name)] as const)
  return Object.fromEntries(kept.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** What the command line may ask: of the daemon itself, or of its node. */
function controlCalls(of: {
  readonly node: PlexusNode
  readonly vitals: Vitals
  readonly info: DaemonInfo
  readonly logFile: LogFile
  readonly ending: Ending
}): CallOperation {
  const { node, vitals, info, logFile, ending } = of
  return async (op, input, context) => {
    if (op === 'daemon.info') return { ...info, logLinesLost: logFile.lost }
    if (op === 'daemon.sample') return takeSample(node, vitals)
    if (op === 'daemon.settings') return settingsOf(node)
    if (op === 'daemon.stop') {
      // The answer leaves first: stopping closes the very socket it travels on.
      setImmediate(() => ending.begin())
      return { stopping: true }
    }
    const { agent, ...rest } = context
    const caller: Caller = agent === undefined ? { kind: 'person', client: 'cli' } : { kind: 'agent', client: agent }
    return await node.call(op, input, { ...rest, caller })
  }
}

/**
 * The HTTP face is a convenience: without it the daemon still serves everybody else. Its port is kept, because clients have
 * it in their configuration.
 */
async function listenHttp(of: {
  readonly mcp: McpFace
  readonly node: PlexusNode
  readonly vitals: Vitals
  readonly profile: Profile
  readonly options: DaemonOptions
  readonly notes: string[]
  readonly log: Logger
}): Promise<string | undefined> {
  const { mcp, node, vitals, profile, options, notes, log } = of
  const kept = node.settings.setting(HTTP_PORT_SETTING)
  const port = options.httpPort ?? (kept === undefined ? undefined : Number(kept))
  try {
    const http = await mcp.listenHttp({
      port,
      tokenFile: profile.tokenFile,
      routes: monitoringRoutes(node, vitals),
    })
    node.settings.keepSetting(HTTP_PORT_SETTING, new URL(http.url).port)
    if (http.note !== undefined) notes.push(http.note)
    return http.url
  } catch (error) {
    notes.push(`no MCP over HTTP: ${reasonOf(error)}`)
    log.error({ code: codeOf(error), reason: reasonOf(error) }, 'the HTTP face did not start')
    return undefined
  }
}

/** Writes down what happened, without contents, and ends: the store is safe at any moment. */
function crash(profile: Profile, error: unknown, log: Logger): void {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  log.error({ stack }, 'an exception reached the top: the daemon ends')
  const folder = join(profile.folder, 'crashes')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const report = {
    at: new Date().toISOString(),
    version: VERSION,
    node: process.version,
    cores: availableParallelism(),
    stack,
  }
  writeFileSync(join(folder, `${Date.now()}.json`), `${JSON.stringify(report, null, 2)}\n`, { mode: 0o600 })
  process.exit(EXIT.crashed)
}

function logLevel(text: string | undefined): LogLevel {
  if (text === undefined) return 'info'
  const level = LOG_LEVELS.find((candidate) => candidate === text)
  if (level !== undefined) return level
  throw new CliError('ERR_USAGE', `no log level is called ${JSON.stringify(text)}`, {
    fix: `Use one of: ${LOG_LEVELS.join(', ')}.`,
  })
}

function defaultName(profile: Profile): string {
  return profile.name === 'default' ? (process.env.USER ?? process.env.USERNAME ?? 'peer') : profile.name
}
