import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { errnoOf } from '../base/index.ts'
import type { ExportPart } from '../node/index.ts'
import { type CommandContext, spanOf } from './command.ts'
import { CliError } from './errors.ts'
import { counted } from './terminal.ts'
import { VERSION } from './version.ts'

export interface ExportOptions {
  readonly space?: string
  readonly domain?: string
  readonly since?: string
}

/** Writes every record as a line of JSON, after a line that says what follows; to standard output without a file. */
export async function exportRecords(
  context: CommandContext,
  file: string | undefined,
  { space, domain, since }: ExportOptions,
): Promise<void> {
  const from = since === undefined ? undefined : Date.now() - spanOf(since)
  const path = file === undefined ? undefined : resolve(file)
  let count = 0
  await using out = path === undefined ? undefined : new LineFile(path)
  const print = out === undefined ? context.print : async (line: string) => out.write(line)
  await print(
    JSON.stringify({ plexus: 'export', format: 1, version: VERSION, time: Date.now(), space, domain, since: from }),
  )
  await context.listen<ExportPart>('records.export', { space, domain, since: from }, async ({ records }) => {
    for (const record of records) await print(JSON.stringify(record))
    count += records.length
  })
  if (path === undefined || out === undefined || context.signal.aborted) return
  out.sync()
  const care = 'Plain text: whoever reads it reads everything, also what was private or encrypted.'
  context.finish({ path, records: count }, `${path}: ${counted(count, 'record')}\n${care}`)
}

/** A new file for its owner alone. */
class LineFile implements AsyncDisposable {
  readonly #path: string
  readonly #file: number

  constructor(path: string) {
    this.#path = path
    this.#file = this.#attempt(() => openSync(path, 'wx', 0o600))
  }

  write(line: string): void {
    this.#attempt(() => writeSync(this.#file, `${line}\n`))
  }

  sync(): void {
    this.#attempt(() => fsyncSync(this.#file))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeSync(this.#file)
  }

  #attempt<T>(work: () => T): T {
    try {
      return work()
    } catch (cause) {
      const why = errnoOf(cause) ?? String(cause)
      throw new CliError('ERR_FILE_UNWRITABLE', `${this.#path} cannot be written: ${why}`, {
        cause,
        fix: 'Choose the name of a new file, where there is room and where you may write.',
      })
    }
  }
}
