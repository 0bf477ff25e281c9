import { resolve } from 'node:path'
import type { Command } from 'commander'
import { systemRandom } from '../../base/index.ts'
import { ControlClient, ControlError } from '../../control/index.ts'
import type { BackupManifest, RepairReport } from '../../node/index.ts'
import { type CommandContext, run } from '../command.ts'
import type { ExportOptions } from '../export.ts'
import { age, counted, oneLine, progressLine, table } from '../terminal.ts'
import { byteCount } from '../top/numbers.ts'
import { VERSION } from '../version.ts'

interface BackupOptions {
  readonly key?: boolean
  readonly verify?: boolean
}

interface RepairOptions {
  readonly force?: boolean
}

type Rebuilt = NonNullable<RepairReport['rebuilt']>

interface RestoreOptions {
  readonly dryRun?: boolean
  readonly replace?: boolean
}

/** `backup`, `restore`, `repair`: a whole peer in one file, and back; without the daemon. `export`: its records, for other programs. */
export function addBackupCommands(program: Command): void {
  program
    .command('backup')
    .description('write this peer, its records and its key, to one file')
    .argument('<file>', 'the new file')
    .option('--no-key', 'leave the key of this device out')
    .option('--verify', 'write nothing: check a backup that is there')
    .action(run<[string, BackupOptions]>(backup))
  program
    .command('restore')
    .description('make this profile what a backup holds')
    .argument('<file>', 'what `plexus backup` wrote')
    .option('--dry-run', 'only check it and say what is in it')
    .option('--replace', 'move aside what this profile has now')
    .action(run<[string, RestoreOptions]>(restore))
  program
    .command('repair')
    .description('make a new database of what is sound in a damaged one')
    .option('--force', 'also when no damage shows')
    .action(run<[RepairOptions]>(repair))
  program
    .command('export')
    .description('write every record as a line of JSON, in plain text')
    .argument('[file]', 'the new file; standard output if not given')
    .option('--space <space>', 'only of this space: name or id')
    .option('--domain <domain>', 'only of this domain, e.g. cognition, research, space')
    .option('--since <time>', 'nothing older, e.g. 7d')
    .action(
      run<[string | undefined, ExportOptions]>(
        async (...of) => await (await import('../export.ts')).exportRecords(...of),
      ),
    )
}

async function backup(context: CommandContext, file: string, options: BackupOptions): Promise<void> {
  const path = resolve(file)
  if (options.verify === true) return await verify(context, path)
  const { writeBackup } = await import('../../node/index.ts')
  const line = progressLine()
  const report = await writeBackup({
    folder: context.profile.folder,
    target: path,
    withKey: options.key !== false,
    version: VERSION,
    now: Date.now(),
    random: systemRandom(),
    signal: context.signal,
    onStep: (step) => line.show(step),
  }).finally(() => line.end())
  const { withKey, bytes, manifest } = report
  const care = withKey
    ? 'It holds the key of this device: whoever has it can be this peer and read its records. Keep it as you keep a password.'
    : 'It holds no key, and the records as plainly as the store: restore it where the key of this device is.'
  context.finish(report, [`${path}: ${byteCount(bytes)}`, ...contentsOf(manifest), '', care].join('\n'))
}

async function verify(context: CommandContext, path: string): Promise<void> {
  const { openBackup } = await import('../../node/index.ts')
  await using checked = await openBackup(path, context.signal)
  const { manifest, bytes, sha256 } = checked
  const report = { path, bytes, sha256, withKey: checked.layout.keyBytes > 0, manifest }
  context.finish(
    report,
    [`${path}: ${byteCount(bytes)}, every byte is as it was written`, ...contentsOf(manifest)].join('\n'),
  )
}

async function restore(context: CommandContext, file: string, options: RestoreOptions): Promise<void> {
  const { openBackup, restoreBackup } = await import('../../node/index.ts')
  const { folder } = context.profile
  const line = progressLine()
  line.show('checking the backup')
  await using checked = await openBackup(resolve(file), context.signal).finally(() => line.end())
  const { manifest, bytes, sha256 } = checked
  const facts = { bytes, sha256, withKey: checked.layout.keyBytes > 0, manifest }
  if (options.dryRun === true) {
    const text = [`would restore into ${folder}`, ...contentsOf(manifest)].join('\n')
    return context.finish({ restored: false, folder, ...facts }, text)
  }
  await assertStopped(context)
  const report = await restoreBackup(checked, {
    folder,
    replace: options.replace === true,
    random: systemRandom(),
    signal: context.signal,
    onStep: (step) => line.show(step),
  }).finally(() => line.end())
  const lines = [
    `restored into ${folder}`,
    ...(report.aside === undefined ? [] : [`what was there is in ${report.aside}`]),
    ...contentsOf(manifest),
    '',
    'start it with `plexus up`: what was written since the backup and reached others comes back from them',
  ]
  context.finish({ restored: true, ...report, ...facts }, lines.join('\n'))
}

async function repair(context: CommandContext, options: RepairOptions): Promise<void> {
  await assertStopped(context)
  const { repairStore } = await import('../../node/index.ts')
  const line = progressLine()
  const report = await repairStore({
    folder: context.profile.folder,
    version: VERSION,
    force: options.force === true,
    random: systemRandom(),
    signal: context.signal,
    onStep: (step, done) => line.show(done === 0 ? step : `${step} ${done}`),
  }).finally(() => line.end())
  const { rebuilt, found, aside } = report
  if (rebuilt === undefined || aside === undefined) {
    return context.finish(report, 'the database is sound; nothing was changed (--force rebuilds it all the same)')
  }
  const lines = [
    `found      ${found === 'ok' ? 'no damage' : oneLine(found, 300)}`,
    `kept       ${counted(rebuilt.records, 'record')}, ${counted(rebuilt.otherRows, 'setting and key', 'settings and keys')}`,
    `lost       ${lossOf(rebuilt)}`,
    ...(rebuilt.incomplete.length === 0 ? [] : [`incomplete ${rebuilt.incomplete.join(', ')}`]),
    `the old database is in ${aside}`,
    '',
    rebuilt.records === 0
      ? 'this peer knows none of its spaces any more: `plexus restore FILE --replace` brings back a backup; without one, `plexus up` starts empty, under the same key, and others have to invite it again'
      : 'start with `plexus up`: what was lost comes back from the members that hold it',
  ]
  context.finish(report, lines.join('\n'))
}

function lossOf({ records, lostRows, lostBodies, refused }: Rebuilt): string {
  if (records === 0) return 'all records: none could be read'
  if (lostRows + lostBodies + refused === 0) return 'nothing that could be seen'
  return `${counted(lostRows, 'record')}, the bodies of ${lostBodies} more; ${refused} do not count without them`
}

async function assertStopped({ profile }: CommandContext): Promise<void> {
  using client = await ControlClient.open(profile)
  if (client === undefined) return
  throw new ControlError('ERR_DAEMON_RUNNING', 'the daemon of this profile runs', {
    fix: 'Stop it with `plexus down` first.',
  })
}

function contentsOf({ created, version, peer, spaces }: BackupManifest): readonly string[] {
  const records = spaces.reduce((sum, space) => sum + space.records, 0)
  return [
    `peer       ${oneLine(peer, 64)}`,
    `made       ${new Date(created).toISOString()} (${age(created)}) by Plexus ${oneLine(version, 32)}`,
    `holds      ${counted(records, 'record')} of ${counted(spaces.length, 'space')}`,
    '',
    table(
      ['SPACE', 'RECORDS', 'AUTHORS'],
      spaces.map((space) => [
        space.personal ? 'private' : oneLine(space.name, 32),
        String(space.records),
        String(space.authors),
      ]),
    ),
  ]
}
