import type { Socket } from 'node:net'
import { ControlError, connectSocket, type Profile, startDaemon } from '../control/index.ts'

/**
 * `plexus mcp`: a pipe of bytes between an MCP client's stdio and the daemon's socket. It knows nothing of MCP, holds no
 * state, and ends when either side does, so that no client leaves an orphan behind.
 */
export async function runShim(profile: Profile): Promise<void> {
  const socket = await openMcpSocket(profile)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let clientDone = false
  const onClientDone = (): void => {
    clientDone = true
    socket.end()
  }
  process.stdin.once('end', onClientDone)
  // A client that was killed closes our stdout before our stdin says anything.
  process.stdout.on('error', () => {
    onClientDone()
    socket.destroy()
  })
  process.stdin.on('error', onClientDone)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, onClientDone)
  socket.once('error', () => socket.destroy())
  socket.once('close', () => (clientDone ? resolve() : reject(daemonGone())))
  process.stdin.pipe(socket)
  socket.pipe(process.stdout)
  await promise.finally(() => process.stdin.destroy())
}

async function openMcpSocket(profile: Profile): Promise<Socket> {
  const running = await connectSocket(profile, 'mcp')
  if (running !== undefined) return running
  await startDaemon(profile)
  const started = await connectSocket(profile, 'mcp')
  if (started !== undefined) return started
  throw new ControlError('ERR_DAEMON_START', 'the daemon runs but offers no MCP socket', {
    fix: `Read ${profile.logFile}.`,
  })
}

function daemonGone(): ControlError {
  return new ControlError('ERR_DAEMON_LOST', 'the daemon went away', {
    fix: 'Start it again with `plexus up`, then reconnect the client.',
  })
}
