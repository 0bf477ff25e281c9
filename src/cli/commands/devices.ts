import type { Command } from 'commander'
import { ControlClient, ensureDaemon } from '../../control/index.ts'
import type { LinkedStep, RotateReport } from '../../node/index.ts'
import type { LinkStep } from '../../sync/index.ts'
import { type CommandContext, run, spanOf } from '../command.ts'
import { assertConfirmed, canAsk, confirms } from '../prompt.ts'
import { counted, duration, oneLine, styled } from '../terminal.ts'
import { ended } from './daemon.ts'

interface LinkOptions {
  readonly words?: string
  readonly expires?: string
}

/** `link`, `rotate`: the devices of one person, and their keys. */
export function addDeviceCommands(program: Command): void {
  program
    .command('link')
    .argument('[ticket]', 'what `plexus link` printed on the old device; without it, this is the old one')
    .option(
      '--words <words>',
      'say, beside a `plexus link` that waits on this device, that the other screen shows these six words',
    )
    .option('--expires <time>', 'how long the ticket is good, e.g. 5m, 1h (default 10m)')
    .description('make a second device yours: both screens show six words, and both people say that they are the same')
    .action(run<[string | undefined, LinkOptions]>(link))
  program
    .command('rotate')
    .option('--yes', 'do not ask')
    .description('give this device a new key in all its spaces; it starts anew')
    .action(run<[{ yes?: boolean }]>(rotate))
}

async function link(context: CommandContext, ticket: string | undefined, options: LinkOptions): Promise<void> {
  if (options.words !== undefined) {
    const report = await context.ask<object>('link.confirm', { words: options.words })
    return context.finish(report, 'confirmed: the words are the same')
  }
  if (ticket !== undefined) (await ensureDaemon(context.profile))[Symbol.dispose]()
  const ttlMs = options.expires === undefined ? undefined : spanOf(options.expires)
  const [op, input] = ticket === undefined ? ['link.offer', { ttlMs }] : ['link.use', { ticket }]
  const over = new AbortController()
  const showing = new LinkScreen(context, AbortSignal.any([context.signal, over.signal]))
  try {
    await context.listen<LinkStep | LinkedStep>(op, input, (step) => showing.show(step))
  } finally {
    over.abort()
  }
}

/** Shows the steps, and asks the person while they go on. */
class LinkScreen {
  readonly #context: CommandContext
  readonly #signal: AbortSignal

  constructor(context: CommandContext, signal: AbortSignal) {
    this.#context = context
    this.#signal = signal
  }

  async show(step: LinkStep | LinkedStep): Promise<void> {
    const { json, print } = this.#context
    if (json) return await print(JSON.stringify(step))
    switch (step.is) {
      case 'ticket':
        return await print(
          `plexus link ${step.ticket}\n\n${styled('dim', `run this on the new device; it is good once, for ${duration(step.expires - Date.now())}. Keep this command running.`)}`,
        )
      case 'connected':
        return await print('connected to the old device')
      case 'words':
        await print(wordsScreen(step))
        void this.#ask(step)
        return
      case 'confirmed':
        return await print(step.by === 'us' ? 'confirmed here' : 'confirmed on the other device')
      case 'linked':
        return await print(linkedSentence(step))
    }
  }

  async #ask({ words }: Extract<LinkStep, { readonly is: 'words' }>): Promise<void> {
    const { ask } = this.#context
    if (!canAsk()) return
    try {
      const same = await confirms('Does the other screen show exactly these six words?', this.#signal)
      if (same) await ask('link.confirm', { words: words.join(' ') })
      else await ask('link.refuse')
    } catch {
      // The linking has ended meanwhile, and what ended it is told by the answer that is listened to.
    }
  }
}

function wordsScreen({ words, name, peer }: Extract<LinkStep, { readonly is: 'words' }>): string {
  const how = canAsk() ? '' : `\n\nif the other screen shows the same: plexus link --words "${words.join(' ')}"`
  return `the other device is ${oneLine(name, 64)} (${peer.slice(-8)}). Both screens must show these six words:\n\n    ${styled('bold', words.join('  '))}${how}\n`
}

function linkedSentence({ name, spaces, records }: LinkedStep): string {
  return `linked with ${oneLine(name, 64)}: the same person now, in ${counted(spaces.length, 'space')}; ${counted(records, 'record')} here`
}

async function rotate(context: CommandContext, options: { readonly yes?: boolean }): Promise<void> {
  const { json, signal } = context
  const question =
    'Give this device a new key? Its peer id changes, others follow by themselves, and it starts anew. What was signed with the old key stays valid.'
  await assertConfirmed(question, { yes: options.yes ?? false, json, signal })
  const report = await context.ask<RotateReport>('identity.rotate')
  await restart(context)
  context.finish(
    report,
    `this device is ${report.to} now, in ${counted(report.spaces, 'space')}; it was ${report.from}\n${styled('dim', 'backups from before hold the old key: make a new one with plexus backup')}`,
  )
}

/** The old daemon has the old key: it ends, and the next one finishes what was begun, whatever happens in between. */
async function restart({ profile, signal }: CommandContext): Promise<void> {
  using client = await ControlClient.open(profile)
  if (client !== undefined) {
    const { pid } = (await client.call('daemon.info', {})) as { pid: number }
    await client.call('daemon.stop', {})
    await ended(client, pid, signal)
  }
  const fresh = await ensureDaemon(profile)
  fresh[Symbol.dispose]()
}
