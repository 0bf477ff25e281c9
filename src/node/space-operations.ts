import { z } from 'zod'
import {
  hexOf,
  type Operation,
  type OperationType,
  operationOf,
  type PeerId,
  type Random,
  type RecordId,
  type SpaceId,
} from '../base/index.ts'
import { phraseOfSeed, SEED_BYTES, seedOfPhrase, signer } from '../identity/index.ts'
import type { VoidedRun } from '../records/index.ts'
import { type ForkInfo, nameOfMember, SPACE_NAME_MAX_CHARS, type SpaceInfo } from '../space/index.ts'
import { NodeError } from './errors.ts'
import { named, SPACE_WANTED, type SpaceInReport } from './member-operations.ts'
import { assertPerson, spaceMeant, theOneCalled } from './people.ts'
import type { PlexusNode } from './types.ts'

interface SpaceInput {
  readonly space?: string | undefined
}

export interface CreateReport {
  readonly space: SpaceInfo
  /** Shown once and kept nowhere: whoever has it can take the founder's place. */
  readonly phrase?: string
}

export interface ForksReport {
  readonly space: SpaceInReport
  readonly forks: readonly (ForkInfo & { readonly name: string })[]
  /** What is held and does not count, because its author was removed or its log forked. */
  readonly waiting: readonly (VoidedRun & { readonly name: string })[]
}

export interface AcceptReport {
  readonly space: SpaceInReport
  readonly device: PeerId
  readonly name: string
  /** Records that count now and did not before. */
  readonly records: number
}

interface AcceptInput extends SpaceInput {
  readonly member: string
  readonly log?: string | undefined
  readonly branch?: string | undefined
}

export interface SpaceOperations {
  readonly 'space.create': OperationType<
    {
      readonly name: string
      readonly recovery?: boolean | undefined
      readonly encrypted?: boolean | undefined
      readonly history?: 'all' | 'since-admission' | undefined
    },
    CreateReport
  >
  readonly 'space.leave': OperationType<
    { readonly space: string; readonly force?: boolean | undefined },
    { readonly space: SpaceInReport }
  >
  readonly 'space.recover': OperationType<
    SpaceInput & { readonly phrase: string },
    { readonly space: SpaceInReport; readonly replaced: readonly string[] }
  >
  readonly 'space.forks': OperationType<SpaceInput, ForksReport>
  readonly 'space.accept': OperationType<AcceptInput, AcceptReport>
  readonly 'space.erase': OperationType<
    SpaceInput & { readonly record: string },
    { readonly space: SpaceInReport; readonly record: RecordId }
  >
}

const operation = operationOf<SpaceOperations>()

/** Spaces and what counts in them. For people: no MCP tool calls these. */
export function spaceLifeOperations(node: PlexusNode, random: Random): readonly Operation[] {
  const { spaces } = node
  return [
    operation({
      name: 'space.create',
      summary: 'Make a space of our own',
      input: z.object({
        name: z
          .string()
          .min(1, 'a space needs a name')
          .max(SPACE_NAME_MAX_CHARS, `at most ${SPACE_NAME_MAX_CHARS} characters`),
        recovery: z.boolean().default(false).describe('With a phrase that can bring it back'),
        encrypted: z.boolean().default(true),
        history: z.enum(['all', 'since-admission']).default('all').describe('What a new member may read of the past'),
      }),
      run: async ({ name, recovery, encrypted, history }, context) => {
        assertPerson(context)
        const seed = recovery ? random.bytes(SEED_BYTES) : undefined
        const key = seed === undefined ? {} : { recovery: hexOf(signer(seed).publicKey) }
        const space = await spaces.create({ name, personal: false, encrypted, history, ...key })
        return { space, ...(seed === undefined ? {} : { phrase: phraseOfSeed(seed) }) }
      },
    }),
    operation({
      name: 'space.leave',
      summary: 'Leave a space; what is here of it stays readable',
      input: z.object({ space: z.string().min(1).max(SPACE_NAME_MAX_CHARS), force: z.boolean().default(false) }),
      run: async ({ space, force }, context) => {
        assertPerson(context)
        const info = spaceMeant(node, space)
        if (info.personal)
          throw new NodeError('ERR_INVALID_INPUT', 'the private space is never left', {
            fix: '`plexus space list` shows the others.',
          })
        await spaces.leave(info.id, { force })
        await node.standing.told()
        return { space: named(info) }
      },
    }),
    operation({
      name: 'space.recover',
      summary: "Put this device in the place of the founder's, with the recovery phrase",
      input: z.object({ space: SPACE_WANTED, phrase: z.string().min(1).max(400) }),
      run: async ({ space, phrase }, context) => {
        assertPerson(context)
        const info = recoverable(node, space)
        const replaced = info.members.filter(({ level, peer }) => level === 0 && peer !== node.peer)
        await spaces.recover(info.id, seedOfPhrase(phrase))
        return { space: named(info), replaced: replaced.map(({ name }) => name) }
      },
    }),
    operation({
      name: 'space.forks',
      summary: 'Logs with two branches, and records that do not count',
      input: z.object({ space: SPACE_WANTED }),
      run: async ({ space }) => {
        const info = spaceMeant(node, space)
        const nameOf = (peer: PeerId): string => everybodyIn(node, info).find((one) => one.peer === peer)?.name ?? '?'
        return {
          space: named(info),
          forks: spaces.forksOf(info.id).map((fork) => ({ ...fork, name: nameOf(fork.device) })),
          waiting: node.journal.voided(info.id).map((run) => ({ ...run, name: nameOf(run.author) })),
        }
      },
    }),
    operation({
      name: 'space.accept',
      summary: 'Let records of a removed member, or one branch of a fork, count',
      input: z.object({
        space: SPACE_WANTED,
        member: z.string().min(1).max(128),
        log: z
          .string()
          .regex(/^[0-9a-f]{16}$/)
          .optional(),
        branch: z
          .string()
          .regex(/^[0-9a-f]{8,64}$/)
          .optional()
          .describe('The id of the first record of the branch'),
      }),
      run: async (input, context) => {
        assertPerson(context)
        return await accept(node, input)
      },
    }),
    operation({
      name: 'space.erase',
      summary: 'Drop what a record says, at all members',
      input: z.object({ space: SPACE_WANTED, record: z.string().regex(/^[0-9a-f]{64}$/) }),
      run: async ({ space, record: id }, context) => {
        assertPerson(context)
        const record = node.journal.record(id as RecordId)
        const info = record === undefined ? undefined : spaces.get(record.space)
        if (
          record === undefined ||
          info === undefined ||
          (space !== undefined && spaceMeant(node, space).id !== info.id)
        ) {
          throw new NodeError('ERR_NOT_FOUND', 'this peer holds no such record', {
            fix: 'Give the whole id, as `plexus recall` shows it.',
          })
        }
        await spaces.erase(info.id, record.id)
        return { space: named(info), record: record.id }
      },
    }),
  ]
}

/** The space to recover: the one that is named, or the only one with a recovery key. */
function recoverable(node: PlexusNode, wanted: string | undefined): SpaceInfo {
  if (wanted !== undefined) return spaceMeant(node, wanted)
  const candidates = node.spaces.list().filter((space) => space.recoverable)
  const [only, other] = candidates
  if (only !== undefined && other === undefined) return only
  throw new NodeError('ERR_NOT_FOUND', `${candidates.length} spaces here have a recovery key`, {
    fix: candidates.length === 0 ? 'It can only be given when a space is created.' : 'Say which with --space.',
  })
}

function everybodyIn(
  { spaces }: PlexusNode,
  info: SpaceInfo,
): readonly { readonly peer: PeerId; readonly name: string }[] {
  return [...info.members, ...spaces.former(info.id)]
}

async function accept(node: PlexusNode, input: z.output<z.ZodType<AcceptInput>>): Promise<AcceptReport> {
  const { spaces, journal } = node
  const info = spaceMeant(node, input.space)
  const who = theOneCalled(everybodyIn(node, info), input.member, info.name)
  const before = countOf(node, info.id, who.peer)
  const { branch, log } = input
  if (branch !== undefined) await choose(node, info, who.peer, branch)
  else {
    const logs = new Set(journal.voided(info.id).flatMap((run) => (run.author === who.peer ? [run.log] : [])))
    const wanted = [...logs].filter((one) => log === undefined || one === log)
    if (wanted.length === 0) {
      throw new NodeError('ERR_NOT_FOUND', 'this peer holds no records of that member that do not count', {
        fix: 'See `plexus forks`.',
      })
    }
    // Control records first: they may be what the others rest on.
    for (const one of wanted.toSorted()) await spaces.accept(info.id, { device: who.peer, log: one })
  }
  const records = countOf(node, info.id, who.peer) - before
  return { space: named(info), device: who.peer, name: nameOfMember(spaces, info.id, who.peer).name, records }
}

async function choose({ spaces }: PlexusNode, info: SpaceInfo, device: PeerId, wanted: string): Promise<void> {
  const found = spaces
    .forksOf(info.id)
    .filter((fork) => fork.device === device)
    .flatMap((fork) => fork.branches.flatMap(({ id }) => (id.startsWith(wanted) ? [{ fork, id }] : [])))
  const [only] = found
  if (only === undefined || found.length > 1) {
    throw new NodeError('ERR_NOT_FOUND', `no branch of a log of that member begins with ${wanted}`, {
      fix: 'See `plexus forks`.',
    })
  }
  const { log, seq } = only.fork
  await spaces.chooseBranch(info.id, { device, log, seq, id: only.id })
}

function countOf({ journal }: PlexusNode, space: SpaceId, peer: PeerId): number {
  return journal.heads(space).reduce((sum, { author, seq }) => (author === peer ? sum + seq : sum), 0)
}
