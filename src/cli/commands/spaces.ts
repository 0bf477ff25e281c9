import type { Command } from 'commander'
import { isRecordId } from '../../base/index.ts'
import type { AcceptReport, CreateReport, ForksReport, Operations } from '../../node/index.ts'
import { type CommandContext, run } from '../command.ts'
import { CliError } from '../errors.ts'
import { assertConfirmed, readSecret } from '../prompt.ts'
import { counted, oneLine, styled, table } from '../terminal.ts'
import { isIdPrefix, policyWords } from './members.ts'

interface CreateOptions {
  readonly recovery?: boolean
  readonly encryption: boolean
  readonly history: string
}

interface AcceptOptions {
  readonly space?: string
  readonly log?: string
  readonly branch?: string
}

const HISTORIES: readonly string[] = ['all', 'since-admission']
const SPACE_FLAG = '--space <name>'
const WORDS_PER_LINE = 6
/** Thoughts among which the beginning of an id is looked up. */
const LOOKED_UP_MAX = 1_000

/** `space`, `forks`, `accept`, `erase`: spaces, and what counts in them. */
export function addSpaceCommands(program: Command): void {
  const space = program.command('space').description('spaces: create, list, leave, recover')
  space
    .command('create')
    .argument('<name>', 'at most 128 characters')
    .option('--recovery', 'with a phrase of 24 words that brings it back when the device that made it is lost')
    .option('--no-encryption', 'store and relay records in the clear')
    .option('--history <policy>', 'what new members may read of the past: all or since-admission', 'all')
    .description('make a space of your own')
    .action(run<[string, CreateOptions]>(create))
  space.command('list').description('the spaces of this peer').action(run<[object]>(list))
  space
    .command('leave')
    .argument('<name>', 'name or id of the space')
    .option('--force', 'even if nobody can admit or remove anybody then')
    .option('--yes', 'do not ask')
    .description('leave a space; what is here of it stays readable')
    .action(run<[string, { force?: boolean; yes?: boolean }]>(leave))
  space
    .command('recover')
    .argument('[name]', 'name or id of the space (default: the one that has a recovery phrase)')
    .option('--yes', 'do not ask')
    .description(
      "put this device in the place of the founder's, with the recovery phrase: asked for, or on standard input",
    )
    .action(run<[string | undefined, { yes?: boolean }]>(recover))
  program
    .command('forks')
    .option(SPACE_FLAG, 'name or id of the space (default: the newest shared one)')
    .description('logs that have two branches, and records that are held but do not count')
    .action(run<[{ space?: string }]>(forks))
  program
    .command('accept')
    .argument('<name>', 'whose records: name, peer id, or the end of one')
    .option(SPACE_FLAG, 'name or id of the space (default: the newest shared one)')
    .option('--log <log>', 'only of this log')
    .option('--branch <id>', 'the branch of a fork that counts: the id of its first record, or the beginning of it')
    .description('let records count that came too late from a removed member, or choose a branch of a fork')
    .action(run<[string, AcceptOptions]>(accept))
  program
    .command('erase')
    .argument('<id>', 'of a thought or another record')
    .option(SPACE_FLAG, 'only if it is in this space')
    .option('--yes', 'do not ask')
    .description('drop what a record says, here and at all members that hear of it')
    .action(run<[string, { space?: string; yes?: boolean }]>(erase))
}

async function create(context: CommandContext, name: string, options: CreateOptions): Promise<void> {
  if (!HISTORIES.includes(options.history)) {
    throw new CliError('ERR_USAGE', `not a policy: ${JSON.stringify(options.history)}`, {
      fix: `Use one of: ${HISTORIES.join(', ')}.`,
    })
  }
  if (options.history !== 'all' && !options.encryption) {
    throw new CliError('ERR_USAGE', 'without encryption new members can read all of the past', {
      fix: 'Leave out --no-encryption, or --history.',
    })
  }
  const report = await context.ask<CreateReport>('space.create', {
    name,
    recovery: options.recovery ?? false,
    encrypted: options.encryption,
    history: options.history,
  })
  const { space, phrase } = report
  const made = `space "${oneLine(space.name)}" made: ${policyWords(space)}\nlet others in with: plexus invite --space ${JSON.stringify(space.name)}\n${styled('dim', 'it is the newest: commands without --space use it from here on')}`
  context.finish(report, phrase === undefined ? made : `${made}\n\n${phraseScreen(phrase)}`)
}

function phraseScreen(phrase: string): string {
  const words = phrase.split(' ').map((word, at) => `${String(at + 1).padStart(2)} ${word}`.padEnd(12))
  const lines = Array.from({ length: Math.ceil(words.length / WORDS_PER_LINE) }, (_, line) =>
    words
      .slice(line * WORDS_PER_LINE, (line + 1) * WORDS_PER_LINE)
      .join(' ')
      .trimEnd(),
  )
  return [
    styled('bold', 'Recovery phrase: write it on paper now. It is shown this once and kept nowhere.'),
    ...lines,
    styled('dim', "Whoever has it can take the founder's place in this space, with: plexus space recover"),
  ].join('\n')
}

async function list(context: CommandContext): Promise<void> {
  const report = await context.ask<Operations['space.list']['output']>('space.list')
  const rows = report.spaces.map((space) => [
    space.personal ? 'private' : oneLine(space.name, 32),
    space.self?.role ?? 'no member',
    String(space.members.length),
    space.encrypted ? 'yes' : 'no',
    space.history === 'all' || !space.encrypted ? 'all' : 'from admission',
    space.recoverable ? 'phrase' : '-',
    space.id.slice(0, 12),
  ])
  context.finish(report, table(['SPACE', 'ROLE', 'MEMBERS', 'ENCRYPTED', 'HISTORY', 'RECOVERY', 'ID'], rows))
}

async function leave(
  context: CommandContext,
  name: string,
  options: { readonly force?: boolean; readonly yes?: boolean },
): Promise<void> {
  const { yes = false, force } = options
  const question = `Leave ${JSON.stringify(name)}? What is here of it stays readable here, and nothing newer comes; only a new ticket leads back.`
  await assertConfirmed(question, { yes, json: context.json, signal: context.signal })
  const report = await context.ask<Operations['space.leave']['output']>('space.leave', { space: name, force })
  context.finish(report, `left "${oneLine(report.space.name)}"`)
}

async function recover(
  context: CommandContext,
  name: string | undefined,
  options: { readonly yes?: boolean },
): Promise<void> {
  const { signal, json } = context
  if (options.yes !== true) {
    const question = "Remove the founder's device from the space and put this one in its place?"
    // A pipe brings the phrase: whoever writes to it has thought about it.
    if (process.stdin.isTTY === true) await assertConfirmed(question, { yes: false, json, signal })
  }
  const phrase = await readSecret('Recovery phrase (24 words): ', signal)
  const report = await context.ask<Operations['space.recover']['output']>('space.recover', { space: name, phrase })
  const replaced = report.replaced.map((one) => oneLine(one)).join(', ')
  const instead = replaced === '' ? '' : ` in place of ${replaced}`
  context.finish(report, `this device is admin of "${oneLine(report.space.name)}" at the founder's level now${instead}`)
}

async function forks(context: CommandContext, options: { readonly space?: string }): Promise<void> {
  const report = await context.ask<ForksReport>('space.forks', { ...options })
  const branchRows = report.forks.flatMap((fork) =>
    fork.branches.map(({ id, to }) => [
      oneLine(fork.name, 24),
      fork.log,
      String(fork.seq),
      id.slice(0, 12),
      to === undefined ? 'not held here' : `held to ${to}`,
      fork.chosen === id ? 'chosen' : fork.chosen === undefined ? 'open' : 'void',
    ]),
  )
  const waitingRows = report.waiting.map((run) => [
    oneLine(run.name, 24),
    run.log,
    `${run.from} to ${run.to}`,
    run.first.slice(0, 12),
  ])
  const parts = [
    ...(branchRows.length === 0
      ? []
      : [
          table(['FORKED BY', 'LOG', 'AT', 'BRANCH', 'HERE', 'STATE'], branchRows),
          'choose with: plexus accept NAME --branch BRANCH',
        ]),
    ...(waitingRows.length === 0
      ? []
      : [
          table(['WAITING, BY', 'LOG', 'RECORDS', 'FIRST'], waitingRows),
          'whoever ranks no lower than the one that removed them lets them count, here: plexus accept NAME',
        ]),
  ]
  context.finish(
    report,
    parts.length === 0
      ? `no forks in "${oneLine(report.space.name)}", and all records held here count`
      : parts.join('\n\n'),
  )
}

async function accept(context: CommandContext, member: string, options: AcceptOptions): Promise<void> {
  const { branch, log } = options
  if (branch !== undefined && !isIdPrefix(branch))
    throw notInForks('--branch', branch, 'the id of a branch, or at least eight digits of it')
  if (log !== undefined && !/^[0-9a-f]{16}$/.test(log)) throw notInForks('--log', log, 'the name of a log, 16 digits')
  const report = await context.ask<AcceptReport>('space.accept', { ...options, branch: branch?.toLowerCase(), member })
  context.finish(
    report,
    `${counted(report.records, 'record')} of ${oneLine(report.name)} more count now in "${oneLine(report.space.name)}"`,
  )
}

function notInForks(option: string, given: string, wanted: string): CliError {
  return new CliError('ERR_USAGE', `${option} takes ${wanted}, not ${JSON.stringify(given)}`, {
    fix: '`plexus forks` shows them.',
  })
}

async function erase(
  context: CommandContext,
  id: string,
  options: { readonly space?: string; readonly yes?: boolean },
): Promise<void> {
  const record = await wholeId(context, id.toLowerCase())
  const { yes = false, space } = options
  const question = `Erase ${record.slice(0, 12)}? Its text is dropped here, and at every member that hears of it; that it was there stays. It cannot be brought back.`
  await assertConfirmed(question, { yes, json: context.json, signal: context.signal })
  const report = await context.ask<Operations['space.erase']['output']>('space.erase', { space, record })
  context.finish(report, `erased ${report.record.slice(0, 12)} in "${oneLine(report.space.name)}"`)
}

/** `recall` shows the beginning of an id; it is looked up among the newest thoughts. */
async function wholeId(context: CommandContext, id: string): Promise<string> {
  if (isRecordId(id)) return id
  if (!isIdPrefix(id)) {
    throw new CliError('ERR_USAGE', `not an id, nor the first eight digits of one: ${JSON.stringify(id)}`, {
      fix: '`plexus recall` shows the ids of thoughts.',
    })
  }
  const { thoughts } = await context.ask<{ thoughts: readonly { readonly id: string }[] }>('thought.recall', {
    query: '',
    limit: LOOKED_UP_MAX,
  })
  const found = thoughts.filter((thought) => thought.id.startsWith(id))
  const [only] = found
  if (only !== undefined && found.length === 1) return only.id
  const what =
    found.length === 0 ? 'no recent thought has an id that begins' : 'several thoughts have an id that begins'
  throw new CliError('ERR_NOT_FOUND', `${what} with ${id}`, {
    fix: 'Give the whole id: `plexus recall --json` shows it.',
  })
}
