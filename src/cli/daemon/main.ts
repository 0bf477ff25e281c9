/**
 * The daemon process: `node main.ts PROFILE OPTIONS`. Started by `plexus up` (or whatever needs it first), it reports
 * once over descriptor 3 and then belongs to nobody.
 */
import { closeSync, writeSync } from 'node:fs'
import { errnoOf, errorReport } from '../../base/index.ts'
import { type DaemonOptions, profileOf, type StartReport } from '../../control/index.ts'
import { keepCompiledCode } from '../compile-cache.ts'

const REPORT_DESCRIPTOR = 3

function report(message: StartReport): void {
  try {
    writeSync(REPORT_DESCRIPTOR, JSON.stringify(message))
    closeSync(REPORT_DESCRIPTOR)
  } catch (error) {
    // Whoever started us has gone; the daemon is wanted all the same.
    if (errnoOf(error) !== 'EPIPE') throw error
  }
}

// Before the rest is loaded: the network and MCP are most of the code.
keepCompiledCode()
const { runDaemon } = await import('./run.ts')
const [profileName, options = '{}'] = process.argv.slice(2)
try {
  const daemon = await runDaemon(profileOf(profileName), JSON.parse(options) as DaemonOptions)
  report({ ready: true, notes: daemon.notes })
  process.exitCode = await daemon.ended
} catch (error) {
  report({ ready: false, ...errorReport(error) })
  process.exitCode = 1
}
// Whatever a library forgot to close must not keep a stopped daemon alive.
process.exit()
