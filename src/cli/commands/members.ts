import type { Command } from 'commander'
import type { FormerReport, MemberReport, MembersReport, Operations, RevokeReport } from '../../node/index.ts'
import { type CommandContext, run } from '../command.ts'
import { CliError } from '../errors.ts'
import { assertConfirmed } from '../prompt.ts'
import { age, counted, duration, oneLine, styled, table } from '../terminal.ts'

interface InSpace {
  readonly space?: string
}

interface RevokeOptions extends InSpace {
  readonly invite?: string
  readonly person?: boolean
  readonly yes?: boolean
}

const SPACE_FLAG = '--space <name>'
const ROLES: readonly string[] = ['relay', 'reader', 'writer', 'admin']
const SPACE_TEXT = 'name or id of the space (default: the newest shared one)'

/** `members`, `role`, `revoke`, `invites`: who belongs. */
export function addMemberCommands(program: Command): void {
  program
    .command('members')
    .option(SPACE_FLAG, SPACE_TEXT)
    .option('--all', 'also who was a member and is none now')
    .description('who belongs to a space, by person, and since when')
    .action(run<[InSpace & { all?: boolean }]>(members))
  program
    .command('role')
    .argument('<name>', 'name, peer id, or the end of one')
    .argument('<role>', 'relay, reader, writer or admin')
    .option(SPACE_FLAG, SPACE_TEXT)
    .description('change what a member may do')
    .action(run<[string, string, InSpace]>(role))
  program
    .command('revoke')
    .argument('[name]', 'name, peer id, or the end of one')
    .option(SPACE_FLAG, SPACE_TEXT)
    .option('--person', 'all devices of that person')
    .option('--invite <id>', 'instead of a member, a ticket that has not been used: its id, or the beginning of it')
    .option('--yes', 'do not ask')
    .description('remove a member, or make a ticket worthless')
    .action(run<[string | undefined, RevokeOptions]>(revoke))
  program
    .command('invites')
    .option(SPACE_FLAG, SPACE_TEXT)
    .description('the tickets that were made for a space, and what became of them')
    .action(run<[InSpace]>(invites))
}

async function members(context: CommandContext, options: InSpace & { all?: boolean }): Promise<void> {
  const { all = false, ...input } = options
  const report = await context.ask<MembersReport>('space.members', input)
  const shown = all ? report : { ...report, former: report.former.filter(({ self }) => self) }
  context.finish(all ? report : shown, membersScreen(shown, all))
}

function membersScreen({ space, members, former }: MembersReport, all: boolean): string {
  const people = [...Map.groupBy(members, ({ principal }) => principal).values()]
  const rows = people.flatMap((devices) => devices.map((member, at) => memberRow(member, at > 0)))
  const head = `${styled('bold', oneLine(space.name, 64))}  ${policyWords(space)}`
  const columns = ['NAME', 'ROLE', 'LEVEL', 'SINCE', 'LET IN BY', 'PEER', 'PERSON']
  const lines = [head, '', rows.length === 0 ? 'nobody is in it any more' : table(columns, rows)]
  const gone = former.map((one) => [
    oneLine(one.name, 24),
    one.role,
    `${one.reason} ${age(one.at)}`,
    one.reason === 'removed' ? `by ${oneLine(one.removedByName, 24)}` : '',
    one.peer.slice(-12),
    one.principal.slice(0, 8),
  ])
  if (all && gone.length > 0) lines.push('', table(['FORMER', 'WAS', 'SINCE', '', 'PEER', 'PERSON'], gone))
  const own = former.find(({ self }) => self)
  if (own !== undefined && !members.some(({ self }) => self)) lines.push('', goneSentence(own, space.name))
  return lines.join('\n')
}

function memberRow(member: MemberReport, isFurther: boolean): readonly string[] {
  const { name, self, role, level, since, admittedByName, peer, principal } = member
  return [
    `${isFurther ? '  + ' : ''}${oneLine(name, 24)}${self ? ' (this device)' : ''}`,
    role,
    String(level),
    age(since),
    admittedByName === undefined ? '-' : oneLine(admittedByName, 24),
    peer.slice(-12),
    principal.slice(0, 8),
  ]
}

/** What a removed peer is told of itself. */
export function goneSentence(own: Pick<FormerReport, 'reason' | 'removedByName' | 'at'>, space: string): string {
  const what = {
    removed: `was removed from "${oneLine(space, 64)}" by ${oneLine(own.removedByName, 24)}`,
    left: `left "${oneLine(space, 64)}"`,
    rotated: `handed its place in "${oneLine(space, 64)}" over to a new key`,
  }[own.reason]
  return `this device ${what} ${age(own.at)}. What is here of it stays readable here; to come back, ask for a new ticket.`
}

export function policyWords(space: Pick<MembersReport['space'], 'encrypted' | 'history' | 'recoverable'>): string {
  const history =
    space.history === 'all' || !space.encrypted ? 'new members read all' : 'new members read from their admission on'
  const words = [space.encrypted ? 'encrypted' : 'not encrypted', history, space.recoverable ? 'recovery phrase' : '']
  return styled('dim', words.filter((word) => word !== '').join(', '))
}

/** An id of 64 hexadecimal digits, or at least the first eight of them. */
export function isIdPrefix(text: string): boolean {
  return /^[0-9a-f]{8,64}$/i.test(text)
}

/** What may be granted. Throws `ERR_USAGE`. */
export function roleOf(text: string): string {
  if (ROLES.includes(text)) return text
  throw new CliError('ERR_USAGE', `not a role that can be given: ${JSON.stringify(text)}`, {
    fix: `Use one of: ${ROLES.join(', ')}.`,
  })
}

async function role(context: CommandContext, member: string, wanted: string, options: InSpace): Promise<void> {
  const report = await context.ask<Operations['space.role']['output']>('space.role', {
    ...options,
    member,
    role: roleOf(wanted),
  })
  const { member: now, before, space } = report
  const what = now.role === before ? 'is already' : `was ${before}, and is now`
  context.finish(report, `${oneLine(now.name)} ${what} ${now.role} in "${oneLine(space.name)}"`)
}

async function revoke(context: CommandContext, member: string | undefined, options: RevokeOptions): Promise<void> {
  const { invite, yes = false, person, space } = options
  if ((member === undefined) === (invite === undefined)) {
    throw new CliError('ERR_USAGE', 'say whom to remove, or which ticket with --invite', {
      fix: '`plexus members` and `plexus invites` list them.',
    })
  }
  if (invite !== undefined) return await revokeInvite(context, invite, space)
  const input = { member, person, space }
  const plan = await context.ask<RevokeReport>('space.revoke', { ...input, dryRun: true })
  const { json, signal } = context
  await assertConfirmed(meaningOf(plan), { yes, json, signal })
  const report = await context.ask<RevokeReport>('space.revoke', input)
  const names = report.removed.map(({ name }) => oneLine(name)).join(', ')
  const others = report.others.map(({ name }) => oneLine(name)).join(', ')
  const still = others === '' ? '' : `\nstill in it, of the same person: ${others} (--person removes all)`
  const back = 'to take it back: plexus invite'
  context.finish(report, `${names} removed from "${oneLine(report.space.name)}"${still}\n${styled('dim', back)}`)
}

/** What it means, before it is done. */
function meaningOf({ removed, others, space }: RevokeReport): string {
  const names = removed.map(({ name, role, peer }) => `${oneLine(name)} (${role}, ${peer.slice(-8)})`).join(', ')
  const records = removed.reduce((sum, one) => sum + one.records, 0)
  const further = others.length === 0 ? '' : ` ${counted(others.length, 'other device')} of the same person stay.`
  const key = space.encrypted ? ' What is written from now on is encrypted with a new key.' : ''
  return (
    `Remove ${names} from "${oneLine(space.name)}"? Links to it are cut now and it gets nothing newer; what it has already, it keeps. ` +
    `What it wrote and this peer holds stays (${counted(records, 'record')}); what has not arrived here counts for nobody, until \`plexus accept\` lets it.` +
    `${key}${further}`
  )
}

async function revokeInvite(context: CommandContext, invite: string, space: string | undefined): Promise<void> {
  if (!isIdPrefix(invite)) {
    throw new CliError(
      'ERR_USAGE',
      `not the id of a ticket, nor the beginning of one: ${oneLine(JSON.stringify(invite), 40)}`,
      {
        fix: '`plexus invites` shows the ids of all tickets.',
      },
    )
  }
  const report = await context.ask<Operations['space.revokeInvite']['output']>('space.revokeInvite', {
    space,
    invite: invite.toLowerCase(),
  })
  const { id, used, uses } = report.invite
  context.finish(report, `the ticket ${id.slice(0, 12)} admits nobody any more; it was used ${used} of ${uses} times`)
}

async function invites(context: CommandContext, options: InSpace): Promise<void> {
  const report = await context.ask<Operations['space.invites']['output']>('space.invites', { ...options })
  const name = `"${oneLine(report.space.name)}"`
  if (report.invites.length === 0) {
    return context.finish(report, `no tickets for ${name} were made; make one with: plexus invite`)
  }
  const now = Date.now()
  const rows = report.invites.map((invite) => [
    invite.id.slice(0, 12),
    invite.role,
    `${invite.used} of ${invite.uses}`,
    inviteState(invite, now),
    oneLine(invite.byName, 24),
  ])
  const columns = ['TICKET', 'ROLE', 'USED', 'STATE', 'MADE BY']
  context.finish(
    report,
    `tickets for ${name}; make one worthless with: plexus revoke --invite TICKET\n\n${table(columns, rows)}`,
  )
}

function inviteState(invite: Operations['space.invites']['output']['invites'][number], now: number): string {
  if (invite.revoked) return 'revoked'
  if (invite.used >= invite.uses) return 'used up'
  return invite.expires <= now ? `expired ${age(invite.expires, now)}` : `open for ${duration(invite.expires - now)}`
}
