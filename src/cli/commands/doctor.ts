import type { Command } from 'commander'
import type { BundleOptions } from '../bundle/support-bundle.ts'
import { type CommandContext, run } from '../command.ts'
import type { Check } from '../doctor/check.ts'
import { EXIT } from '../errors.ts'
import { oneLine, styled } from '../terminal.ts'

/** `doctor` and `support-bundle`: what is wrong with this machine or this peer, what to do about it, and whom to show it. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('check this machine and this peer; every finding names its fix')
    .action(run<[object]>(doctor))
  program
    .command('support-bundle')
    .description('write one file that helps others help you; without secrets, and sent nowhere')
    .option('--out <file>', 'where to (default: plexus-support-<time>.tar.gz in this folder)')
    .option('--names', 'leave the names of peers and spaces in')
    .option('--addresses', 'leave IP addresses and host names whole')
    .action(
      run<[BundleOptions]>(async (...of) => await (await import('../bundle/support-bundle.ts')).supportBundle(...of)),
    )
}

async function doctor(context: CommandContext): Promise<void> {
  const { examine } = await import('../doctor/doctor.ts')
  const checks = await examine(context.profile, context.signal)
  const failed = checks.filter((check) => check.state === 'fail').length
  const warned = checks.filter((check) => check.state === 'warn').length
  const summary = failed + warned === 0 ? 'all is well' : `${failed} failed, ${warned} to look at`
  const state = failed > 0 ? 'failed' : warned > 0 ? 'degraded' : 'ok'
  const exitCode = failed > 0 ? EXIT.failed : warned > 0 ? EXIT.degraded : EXIT.ok
  context.finish({ state, checks }, [...checks.map(checkLine), '', summary].join('\n'), exitCode)
}

function checkLine({ name, state, detail, fix }: Check): string {
  const mark =
    state === 'ok' ? styled('green', 'ok  ') : state === 'warn' ? styled('yellow', 'look') : styled('red', 'fail')
  return `${mark} ${name.padEnd(16)} ${oneLine(detail, 1_000)}${fix === undefined ? '' : `\n     ${''.padEnd(16)} fix: ${fix}`}`
}
