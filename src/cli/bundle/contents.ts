import type { NodeEvent, SpaceReport } from '../../node/index.ts'
import type { Check } from '../doctor/check.ts'
import type { Facts } from '../doctor/facts.ts'
import type { Redactor } from './redactor.ts'
import type { TarFile } from './tar.ts'

/** What is gathered, not redacted yet. */
export interface Material {
  readonly facts: Facts
  readonly checks: readonly Check[]
  readonly versions: Readonly<Record<string, unknown>>
  /** Empty without a daemon. */
  readonly events: readonly NodeEvent[]
  /** In the Prometheus format; absent without a daemon. */
  readonly metrics: string | undefined
  /** Lines of daemon.log, each an object; what is none is left out. */
  readonly logLines: readonly object[]
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly mode: string }[]
  readonly crashes: readonly CrashFile[]
}

export interface CrashFile {
  readonly name: string
  readonly text: string
}

/** The files of a bundle, redacted. Pure. */
export function bundleFiles(material: Material, redactor: Redactor): readonly TarFile[] {
  const { facts, checks, versions, events, metrics, logLines, files, crashes } = material
  const { daemon, store, ...rest } = facts
  const running = typeof daemon === 'object' ? daemon : undefined
  const json = (path: string, value: unknown): readonly [string, string] => [
    path,
    `${JSON.stringify(redactor.value(value), null, 2)}\n`,
  ]
  const lines = (path: string, values: readonly unknown[]): readonly [string, string] => [
    path,
    values.map((value) => `${JSON.stringify(redactor.value(value))}\n`).join(''),
  ]
  const written = [
    json('versions.json', versions),
    json('doctor.json', checks),
    json('machine.json', rest),
    json('profile.json', { files, settings: running?.settings ?? 'no daemon: not known' }),
    json('database.json', store ?? 'there is none'),
    ...(running === undefined ? [] : runningFiles(running, json)),
    ...(metrics === undefined ? [] : [['metrics.txt', redactor.text(metrics)] as const]),
    lines(
      'events.jsonl',
      events.filter(({ kind }) => kind !== 'log'),
    ),
    lines(
      'log-memory.jsonl',
      events.filter(({ kind }) => kind === 'log'),
    ),
    lines('log-file.jsonl', logLines),
    ...crashes.map(({ name, text }) => json(`crashes/${name}`, crashOf(text))),
  ]
  const named = [['README.txt', readme(written.map(([path]) => path))] as const, ...written]
  return named.map(([path, text]) => ({ path, content: Buffer.from(redactor.withoutSecrets(text)) }))
}

type Json = (path: string, value: unknown) => readonly [string, string]

function runningFiles(
  { sample, info, ...rest }: Exclude<Facts['daemon'], string>,
  json: Json,
): readonly (readonly [string, string])[] {
  const { status, peers, process } = sample
  const { clocks, dials, http, answerMs, openFilesMax } = rest
  return [
    json('status.json', { ...status, spaces: status.spaces.map(plainSpace) }),
    json('peers.json', { peers, clocks }),
    json('daemon.json', { info, process, dials, http, answerMs, openFilesMax }),
  ]
}

/** Peers that are in step by their number. */
function plainSpace({ progress, ...space }: SpaceReport): object {
  return { ...space, progress: { ...progress, inStepWith: progress.inStepWith.length } }
}

/** Without the message of the error, which may quote what was being worked on: the kind of error and where it happened. */
function crashOf(text: string): object {
  const report = parsed(text)
  if (typeof report !== 'object' || report === null) return { unreadable: true }
  const { stack, ...rest } = report as { readonly stack?: unknown }
  const all = typeof stack === 'string' ? stack.split('\n') : []
  const kind = /^[A-Za-z_]\w{0,60}/.exec(all[0] ?? '')?.[0] ?? 'Error'
  return { ...rest, error: kind, frames: all.filter((line) => /^\s+at /.test(line)) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readme(paths: readonly string[]): string {
  return `What this is
  A report on one Plexus peer, made by its user with "plexus support-bundle". Nothing was sent anywhere.
  Whoever has this file can see what is in it: look through it before you pass it on.

What is in it
${paths.map((path) => `  ${path}`).join('\n')}

What is not
  No keys, tokens or tickets; nothing that thoughts, papers or messages say; no error messages of crashes.
  Names are numbered, peer ids and other long ids cut, and addresses shortened, unless the user asked for them.
  Component names, counts, times and settings are as they were.
`
}
