import type { Command } from 'commander'
import { run } from '../command.ts'
import type { EventsOptions } from '../events.ts'
import type { TopOptions } from '../top/top.ts'

/** `top` and `events`: what happens here, as it happens. Loaded when they are wanted: `status` must answer at once. */
export function addMonitoringCommands(program: Command): void {
  program
    .command('top')
    .description('a live view of this peer; q quits')
    .option('--once', 'print one frame as text and end; so does an output that is no terminal')
    .option('--interval <seconds>', 'time between frames (default 1)')
    .action(run<[TopOptions]>(async (...of) => await (await import('../top/top.ts')).top(...of)))
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
    .action(run<[EventsOptions]>(async (...of) => await (await import('../events.ts')).showEvents(...of)))
}
