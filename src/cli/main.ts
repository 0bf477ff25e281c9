/**
 * The command line. It talks to the daemon over a socket and never imports libp2p or the MCP SDK, so that `status`
 * answers at once; a test keeps it that way.
 */
import { keepCompiledCode } from './compile-cache.ts'

keepCompiledCode()
// Whoever reads our output may have seen enough, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  process.stderr.write(`error what there is to say cannot be written: ${error.message}\n`)
  process.exit(1)
})
// Nowhere is left to say that; the exit code still says how it went.
process.stderr.on('error', () => undefined)
const { program } = await import('./program.ts')
await program().parseAsync()
