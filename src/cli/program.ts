import { Command, type CommanderError } from 'commander'
import { reportError, run } from './command.ts'
import { addBackupCommands } from './commands/backup.ts'
import { addCognitionCommands } from './commands/cognition.ts'
import { addDaemonCommands } from './commands/daemon.ts'
import { addDeviceCommands } from './commands/devices.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addMemberCommands } from './commands/members.ts'
import { addMonitoringCommands } from './commands/monitoring.ts'
import { addNetworkCommands } from './commands/network.ts'
import { addQuotaCommand } from './commands/quota.ts'
import { addResearchCommands } from './commands/research.ts'
import { addSpaceCommands } from './commands/spaces.ts'
import { CliError, EXIT } from './errors.ts'
import { runShim } from './shim.ts'
import { VERSION } from './version.ts'

/** The whole command tree. */
export function program(): Command {
  const root = new Command('plexus')
    .description('The peer-to-peer network for AI agents: shared thoughts and research, no server in the middle.')
    .version(VERSION)
    .option('--profile <name>', 'which peer of this machine (default "default")')
    .option('--json', 'print one JSON object on standard output')
    .showHelpAfterError('(plexus --help lists the commands)')
    .exitOverride(onCommanderExit)
  addDaemonCommands(root)
  addNetworkCommands(root)
  addMemberCommands(root)
  addSpaceCommands(root)
  addQuotaCommand(root)
  addDeviceCommands(root)
  addCognitionCommands(root)
  addResearchCommands(root)
  addMonitoringCommands(root)
  addDoctorCommand(root)
  addBackupCommands(root)
  root
    .command('mcp')
    .description('speak MCP on standard input and output, for an MCP client to start')
    .action(run<[object]>(async ({ profile }) => await runShim(profile)))
  for (const command of root.commands) command.exitOverride(onCommanderExit)
  return root
}

/** Commander's own exits, under our documented codes: help and version are fine, everything else is bad usage. */
function onCommanderExit(error: CommanderError): never {
  if (error.exitCode === 0) process.exit(EXIT.ok)
  const message = error.message.replace(/^error: /, '')
  if (process.argv.includes('--json'))
    reportError(new CliError('ERR_USAGE', message, { fix: 'See `plexus --help`.' }), true)
  process.exit(EXIT.usage)
}
