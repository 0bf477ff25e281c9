import type { Command } from 'commander'
import { run } from '../command.ts'
import { type EventsOptions, showEvents } from '../events.ts'

/** `events`: what happens here, as it happens. */
export function addMonitoringCommands(program: Command): void {
  program
    .command('events')
    .description('what happened here of late: events, and lines of the log')
    .option('--follow', 'go on with what comes, until Ctrl-C')
    .option('--component <name>', 'only of this component, e.g. bus')
    .option('--kind <pattern>', 'only of this kind, e.g. peer:ready, "peer:*", log')
    .option('--peer <peer>', 'only about this peer: name, peer id, or the end of one')
    .option('--level <level>', 'the least: debug, info, warn, error (default info; debug with --trace)')
    .option('--since <time>', 'nothing older, e.g. 10m')
    .option('--trace <id>', 'only of this trace: its id, or a traceparent')
    .option('--limit <n>', 'the newest so many of what is remembered (default 200)')
    .action(run<[EventsOptions]>(showEvents))
}
