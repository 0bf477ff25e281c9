import type { Command } from 'commander'
import type { Operations } from '../../node/index.ts'
import { type CommandContext, run } from '../command.ts'
import { CliError } from '../errors.ts'
import { counted, oneLine } from '../terminal.ts'
import { byteCount } from '../top/numbers.ts'

interface QuotaOptions {
  readonly space?: string
  readonly share?: string
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1_024, m: 1_024 ** 2, g: 1_024 ** 3, t: 1_024 ** 4 }

/** `space quota`: how much room a space may take on this peer. */
export function addQuotaCommand(program: Command): void {
  const space = program.commands.find((command) => command.name() === 'space') ?? program.command('space')
  space
    .command('quota')
    .argument('[size]', 'the most that its records may take here, e.g. 500M or 20G; 0 for no bound')
    .option('--space <name>', 'name or id of the space (default: the newest shared one)')
    .option('--share <percent>', 'how much of it the records of another author may take')
    .description('how much room a space takes here, and how much it may')
    .action(run<[string | undefined, QuotaOptions]>(quota))
}

async function quota(context: CommandContext, size: string | undefined, options: QuotaOptions): Promise<void> {
  const report = await context.ask<Operations['space.quota']['output']>('space.quota', {
    space: options.space,
    bytes: size === undefined ? undefined : bytesOf(size),
    authorShare: options.share === undefined ? undefined : shareOf(options.share),
  })
  const { space, records, bytes, quotaBytes, authorShare, full } = report
  const most =
    quotaBytes === 0
      ? 'no bound'
      : `at most ${byteCount(quotaBytes)}, ${Math.round(authorShare * 100)} % of it by one other author`
  const lines = [`"${oneLine(space.name)}": ${counted(records, 'record')}, ${byteCount(bytes)}; ${most}`]
  for (const { name } of full) {
    lines.push(
      name === undefined
        ? 'full: no data records are taken'
        : `no data records of ${oneLine(name)} are taken: share used up`,
    )
  }
  context.finish(report, lines.join('\n'))
}

/** `500M` in bytes. */
function bytesOf(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? []
  const bytes = Math.round(Number(number) * (UNITS[unit.toLowerCase()] ?? 1))
  if (number !== '' && Number.isSafeInteger(bytes)) return bytes
  throw new CliError('ERR_USAGE', `not a size: ${JSON.stringify(text)}`, {
    fix: 'Write it like 500M or 20G, or 0 for no bound.',
  })
}

function shareOf(text: string): number {
  const percent = Number(text.trim().replace(/%$/, ''))
  if (percent > 0 && percent <= 100) return percent / 100
  throw new CliError('ERR_USAGE', `not a share: ${JSON.stringify(text)}`, {
    fix: 'Write it in percent, above 0 and at most 100.',
  })
}
