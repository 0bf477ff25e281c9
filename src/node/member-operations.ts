import { z } from 'zod'
import { type Operation, type OperationType, operationOf, type PeerId, type SpaceId } from '../base/index.ts'
import { LOG_CLASS } from '../records/index.ts'
import {
  type FormerMember,
  type GrantableRole,
  type Invite,
  type Member,
  nameOfMember,
  type Role,
  type SpaceInfo,
} from '../space/index.ts'
import { NodeError } from './errors.ts'
import { assertPerson, called, spaceMeant, spaceToShow, theOneCalled } from './people.ts'
import type { PlexusNode } from './types.ts'

export interface SpaceInReport {
  readonly id: SpaceId
  readonly name: string
}

export interface MemberReport extends Member {
  readonly self: boolean
  /** Of the device that let it in: untrusted text. */
  readonly admittedByName: string | undefined
}

export interface FormerReport extends FormerMember {
  readonly self: boolean
  readonly removedByName: string
}

export interface MembersReport {
  readonly space: SpaceInReport & Pick<SpaceInfo, 'personal' | 'encrypted' | 'history' | 'recoverable'>
  /** By seniority. */
  readonly members: readonly MemberReport[]
  /** Who was a member and is none now. */
  readonly former: readonly FormerReport[]
}

export interface RevokedDevice extends Pick<Member, 'peer' | 'name' | 'role' | 'principal'> {
  /** What it wrote and this peer holds: all of it stays. */
  readonly records: number
}

export interface RevokeReport {
  readonly space: SpaceInReport & Pick<SpaceInfo, 'encrypted'>
  readonly removed: readonly RevokedDevice[]
  /** Other devices of the same person, which stay. */
  readonly others: readonly Pick<Member, 'peer' | 'name' | 'role'>[]
  /** Nothing was done. */
  readonly dryRun: boolean
}

interface SpaceInput {
  /** Name or id; default: the newest shared space. */
  readonly space?: string | undefined
}

interface RevokeInput extends SpaceInput {
  readonly member: string
  /** All devices of that person. */
  readonly person?: boolean | undefined
  readonly dryRun?: boolean | undefined
}

export interface MemberOperations {
  readonly 'space.members': OperationType<SpaceInput, MembersReport>
  readonly 'space.role': OperationType<
    SpaceInput & { readonly member: string; readonly role: GrantableRole },
    { readonly space: SpaceInReport; readonly member: MemberReport; readonly before: Role }
  >
  readonly 'space.revoke': OperationType<RevokeInput, RevokeReport>
  readonly 'space.invites': OperationType<
    SpaceInput,
    { readonly space: SpaceInReport; readonly invites: readonly (Invite & { readonly byName: string })[] }
  >
  readonly 'space.revokeInvite': OperationType<
    SpaceInput & { readonly invite: string },
    { readonly space: SpaceInReport; readonly invite: Invite }
  >
}

const operation = operationOf<MemberOperations>()
export const SPACE_WANTED: z.ZodOptional<z.ZodString> = z
  .string()
  .max(128)
  .optional()
  .describe('Name or id of the space')
const MEMBER = z.string().min(1).max(128).describe('Name, peer id, or the end of one')

/** Who belongs to a space. For people: no MCP tool calls these. */
export function memberOperations(node: PlexusNode): readonly Operation[] {
  const { spaces } = node
  return [
    operation({
      name: 'space.members',
      summary: 'Who belongs to a space, and who did',
      input: z.object({ space: SPACE_WANTED }),
      run: async ({ space }) => membersOf(node, spaceToShow(node, space)),
    }),
    operation({
      name: 'space.role',
      summary: 'Change what a member may do',
      input: z.object({ space: SPACE_WANTED, member: MEMBER, role: z.enum(['relay', 'reader', 'writer', 'admin']) }),
      run: async ({ space, member, role }, context) => {
        assertPerson(context)
        const info = spaceMeant(node, space)
        const target = theOneCalled(info.members, member, info.name)
        await spaces.setRole(info.id, target.peer, role)
        const now = membersOf(node, spaceMeant(node, info.id)).members.find(({ peer }) => peer === target.peer)
        if (now === undefined) throw new NodeError('ERR_NOT_FOUND', 'the member was removed meanwhile')
        return { space: named(info), member: now, before: target.role }
      },
    }),
    operation({
      name: 'space.revoke',
      summary: 'Remove a member',
      input: z.object({
        space: SPACE_WANTED,
        member: MEMBER,
        person: z.boolean().default(false).describe('All devices of that person'),
        dryRun: z.boolean().default(false).describe('Only say what it would mean'),
      }),
      run: async (input, context) => {
        assertPerson(context)
        return await revoke(node, input)
      },
    }),
    operation({
      name: 'space.invites',
      summary: 'The tickets that were made for a space',
      input: z.object({ space: SPACE_WANTED }),
      run: async ({ space }) => {
        const info = spaceMeant(node, space)
        const byName = (peer: PeerId): string => nameOfMember(spaces, info.id, peer).name
        return {
          space: named(info),
          invites: spaces.invites(info.id).map((invite) => ({ ...invite, byName: byName(invite.by) })),
        }
      },
    }),
    operation({
      name: 'space.revokeInvite',
      summary: 'Make a ticket worthless',
      input: z.object({ space: SPACE_WANTED, invite: z.string().regex(/^[0-9a-f]{8,64}$/) }),
      run: async ({ space, invite: wanted }, context) => {
        assertPerson(context)
        const candidates = space === undefined ? spaces.list() : [spaceMeant(node, space)]
        const found = candidates.flatMap((info) =>
          spaces.invites(info.id).flatMap((invite) => (invite.id.startsWith(wanted) ? [{ info, invite }] : [])),
        )
        const [only] = found
        if (only === undefined || found.length > 1) throw noSuchInvite(wanted, found.length)
        await spaces.revokeInvite(only.info.id, only.invite.id)
        return { space: named(only.info), invite: { ...only.invite, revoked: true } }
      },
    }),
  ]
}

export function named({ id, name }: SpaceInfo): SpaceInReport {
  return { id, name }
}

function membersOf({ spaces, peer: self }: PlexusNode, info: SpaceInfo): MembersReport {
  const { id, name, personal, encrypted, history, recoverable, members } = info
  const former = spaces.former(id)
  const names = new Map([...former, ...members].map((one) => [one.peer, one.name]))
  return {
    space: { id, name, personal, encrypted, history, recoverable },
    members: members.map((member) => ({
      ...member,
      self: member.peer === self,
      admittedByName: member.admittedBy === undefined ? undefined : names.get(member.admittedBy),
    })),
    former: former.map((one) => ({
      ...one,
      self: one.peer === self,
      removedByName: names.get(one.removedBy) ?? 'the recovery key',
    })),
  }
}

async function revoke(
  node: PlexusNode,
  input: { space?: string | undefined; member: string; person: boolean; dryRun: boolean },
): Promise<RevokeReport> {
  const { spaces, journal } = node
  const info = spaceMeant(node, input.space)
  const target = input.person
    ? oneOfPerson(called(info.members, input.member, info.name), input.member, info)
    : theOneCalled(info.members, input.member, info.name)
  const ofPerson = info.members.filter(({ principal }) => principal === target.principal)
  const leaving = input.person ? ofPerson : [target]
  const heads = journal.heads(info.id).filter(({ log }) => !log.startsWith(CONTROL_LOG_PREFIX))
  const removed = leaving.map(({ peer, name, role, principal }) => {
    const records = heads.filter(({ author }) => author === peer).reduce((sum, { seq }) => sum + seq, 0)
    return { peer, name, role, principal, records }
  })
  // The newest first: what they admitted among themselves is then removed by us as well.
  if (!input.dryRun) for (const { peer } of leaving.toReversed()) await spaces.revoke(info.id, peer)
  const others = ofPerson.filter(({ peer }) => !leaving.some((one) => one.peer === peer))
  return {
    space: { ...named(info), encrypted: info.encrypted },
    removed,
    others: others.map(({ peer, name, role }) => ({ peer, name, role })),
    dryRun: input.dryRun,
  }
}

/** The class is the first byte of a log's name. */
const CONTROL_LOG_PREFIX = LOG_CLASS.control.toString(16).padStart(2, '0')

function oneOfPerson(devices: readonly Member[], text: string, info: SpaceInfo): Member {
  const [first] = devices
  if (first !== undefined && devices.every(({ principal }) => principal === first.principal)) return first
  return theOneCalled(devices, text, info.name)
}

function noSuchInvite(wanted: string, found: number): NodeError {
  const what = found > 1 ? `${found} tickets have an id that begins with` : 'no ticket has an id that begins with'
  return new NodeError('ERR_NOT_FOUND', `${what} ${wanted}`, { fix: 'See `plexus invites`.' })
}
