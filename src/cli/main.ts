/**
 * The command line. It talks to the daemon over a socket and never imports libp2p or the MCP SDK, so that `status`
 * answers at once; a test keeps it that way.
 */
import { enableCompileCache } from 'node:module'

enableCompileCache()
// Whoever reads our output may have seen enough, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})
const { program } = await import('./program.ts')
await program().parseAsync()
