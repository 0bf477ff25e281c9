import { createInterface } from 'node:readline/promises'
import { CliError } from './errors.ts'

/** A phrase of 24 words has less. */
const STANDARD_INPUT_MAX_BYTES = 1_024

/** Whether somebody sits at this terminal who can be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

/** Asks the person at the terminal; the terminal itself edits the line, so that Ctrl-C stays what it is. */
export async function ask(question: string, signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false })
  try {
    return (await lines.question(question, { signal })).trim()
  } catch (error) {
    if (signal.aborted) process.stderr.write('\n')
    signal.throwIfAborted()
    throw error
  } finally {
    lines.close()
  }
}

/** Whether the person says `yes`, the whole word: what it is about cannot be taken back. */
export async function confirms(question: string, signal: AbortSignal): Promise<boolean> {
  return (await ask(`${question} Type yes to go on: `, signal)).toLowerCase() === 'yes'
}

/** Throws `ERR_USAGE` unless the person agrees or has agreed beforehand. */
export async function assertConfirmed(
  question: string,
  options: { readonly yes: boolean; readonly json: boolean; readonly signal: AbortSignal },
): Promise<void> {
  if (options.yes) return
  if (options.json || !canAsk()) {
    throw new CliError('ERR_USAGE', 'nobody is here to confirm it', { fix: `Give --yes if you agree. ${question}` })
  }
  if (!(await confirms(question, options.signal))) throw new CliError('ERR_USAGE', 'not confirmed: nothing was changed')
}

/** What is meant for no command line, from the person or from a pipe. */
export async function readSecret(question: string, signal: AbortSignal): Promise<string> {
  const text = canAsk() ? await ask(question, signal) : await standardInput()
  if (text !== '') return text
  throw new CliError('ERR_USAGE', 'no phrase was given', { fix: 'Type it when asked, or give it on standard input.' })
}

async function standardInput(): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer)
    bytes += (chunk as Buffer).byteLength
    if (bytes > STANDARD_INPUT_MAX_BYTES) throw new CliError('ERR_USAGE', 'more on standard input than a phrase has')
  }
  return Buffer.concat(chunks).toString('utf8').trim()
}
