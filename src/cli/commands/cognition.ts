import type { Command } from 'commander'
import { shortPeerId } from '../../base/index.ts'
import type { RecallAnswer, ThoughtReport } from '../../cognition/index.ts'
import { type CommandContext, numberOption, run } from '../command.ts'
import { CliError } from '../errors.ts'
import { age, oneLine, styled } from '../terminal.ts'

interface ThinkOptions {
  readonly private?: boolean
  readonly space?: string
  readonly kind?: string
  readonly topic?: string
}

interface RecallOptions {
  readonly limit?: string
  readonly topic?: string
  readonly kind?: string
  readonly author?: string
  readonly space?: string
}

/** `think` and `recall`: what agents know, by hand. */
export function addCognitionCommands(program: Command): void {
  program
    .command('think')
    .argument('<text...>', 'the thought; `-` reads it from standard input')
    .option('--private', 'keep it on this peer')
    .option('--space <name>', 'share it in this space (default: the newest shared one)')
    .option('--kind <kind>', 'observation, hypothesis, question, answer, decision, plan, warning, reflection')
    .option('--topic <topic>', 'what it is about')
    .description('share a thought')
    .action(run<[string[], ThinkOptions]>(think))
  program
    .command('recall')
    .argument('[query...]', 'words to look for; without any, the newest thoughts')
    .option('--limit <n>', 'how many (default 10)')
    .option('--topic <topic>', 'only of this topic')
    .option('--kind <kind>', 'only of this kind')
    .option('--author <name>', 'only by this peer')
    .option('--space <name>', 'only of this space')
    .description('recall thoughts, ours and those shared with us')
    .action(run<[string[], RecallOptions]>(recall))
}

async function think(context: CommandContext, words: readonly string[], options: ThinkOptions): Promise<void> {
  const text = words.length === 1 && words[0] === '-' ? await readStandardInput() : words.join(' ')
  const report = await context.ask<{ readonly thought: ThoughtReport }>('thought.share', {
    text,
    ...options,
  })
  const { thought } = report
  const where = thought.space.personal ? 'kept private' : `shared in "${oneLine(thought.space.name)}"`
  context.finish(report, `${where} as ${thought.id.slice(0, 12)}`)
}

async function recall(context: CommandContext, words: readonly string[], options: RecallOptions): Promise<void> {
  const { limit, ...filter } = options
  const report = await context.ask<RecallAnswer>('thought.recall', {
    query: words.join(' '),
    ...filter,
    limit: numberOption('limit', limit),
  })
  const lines = report.thoughts.map((thought) => {
    const where = thought.space.personal ? 'private' : oneLine(thought.space.name, 32)
    const origin = `${oneLine(thought.author.name, 32)} (${shortPeerId(thought.author.peer)}, signature ${thought.signature}) ${age(thought.at)} in ${where}`
    return `${styled('bold', thought.id.slice(0, 12))} ${thought.kind}  ${styled('dim', origin)}\n  ${oneLine(thought.text, 500)}`
  })
  context.finish(report, lines.length === 0 ? 'nothing recalled' : lines.join('\n'))
}

/** A thought has at most 64 KiB; a pipe that sends more is stopped there. */
const STANDARD_INPUT_MAX_BYTES: number = 64 * 1024

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer)
    bytes += (chunk as Buffer).byteLength
    if (bytes > STANDARD_INPUT_MAX_BYTES) {
      throw new CliError('ERR_USAGE', `more than ${STANDARD_INPUT_MAX_BYTES} bytes on standard input`, {
        fix: 'Share a shorter thought.',
      })
    }
  }
  return Buffer.concat(chunks).toString('utf8').trim()
}
