import { z } from 'zod'
import { type Operation, type OperationType, operationOf, type PeerId, type SpaceId } from '../base/index.ts'
import type { Journal, SpaceQuota } from '../records/index.ts'
import { nameOfMember, nameOfSpace, type Spaces } from '../space/index.ts'
import type { Settings } from './address-book.ts'
import type { SpaceInReport } from './member-operations.ts'
import { assertPerson, spaceMeant } from './people.ts'
import type { PlexusNode } from './types.ts'

export interface QuotaReport {
  readonly space: SpaceInReport
  readonly records: number
  /** Headers, signatures and bodies. */
  readonly bytes: number
  /** 0 for no bound. */
  readonly quotaBytes: number
  readonly authorShare: number
  /** Whose records are refused for now; without `peer`, everybody's. */
  readonly full: readonly { readonly peer?: PeerId; readonly name?: string }[]
}

interface QuotaInput {
  readonly space?: string | undefined
  readonly bytes?: number | undefined
  readonly authorShare?: number | undefined
}

export interface QuotaOperations {
  readonly 'space.quota': OperationType<QuotaInput, QuotaReport>
}

const operation = operationOf<QuotaOperations>()

/** How much room a space may take on this peer: every peer decides that for itself. */
export function quotaOperations(node: PlexusNode): readonly Operation[] {
  return [
    operation({
      name: 'space.quota',
      summary: 'How much the records of a space take here, and how much they may',
      input: z.object({
        space: z.string().max(64).optional(),
        bytes: z.int().min(0).optional().describe('The most; 0 for no bound'),
        authorShare: z.number().gt(0).max(1).optional().describe('The part of it that another author may have'),
      }),
      run: async ({ space, bytes, authorShare }, context) => {
        const { id } = spaceMeant(node, space)
        if (bytes !== undefined || authorShare !== undefined) {
          assertPerson(context)
          const { quota } = node.journal.usage(id)
          const chosen = { bytes: bytes ?? quota.bytes, authorShare: authorShare ?? quota.authorShare }
          node.settings.keepSetting(settingOf(id), `${chosen.bytes} ${chosen.authorShare}`)
          node.journal.setQuota(id, chosen)
        }
        return quotaReport(node, id)
      },
    }),
  ]
}

function quotaReport({ journal, spaces }: PlexusNode, id: SpaceId): QuotaReport {
  const { records, bytes, quota, full } = journal.usage(id)
  const space = { id, name: nameOfSpace(spaces, id).name }
  const places = full.map((peer) => (peer === undefined ? {} : { peer, name: nameOfMember(spaces, id, peer).name }))
  return { space, records, bytes, quotaBytes: quota.bytes, authorShare: quota.authorShare, full: places }
}

/** Quotas that people chose hold from the start on. */
export function recallQuotas(settings: Settings, journal: Journal): void {
  for (const space of journal.spaces()) {
    const quota = quotaOf(settings.setting(settingOf(space)))
    if (quota !== undefined) journal.setQuota(space, quota)
  }
}

/** What `status` says of spaces that are full. */
export function roomTrouble(
  journal: Journal,
  spaces: Spaces,
): { readonly reason: string; readonly fix: string } | undefined {
  const full = journal.spaces().filter((space) => journal.usage(space).full.length > 0)
  const [first] = full
  if (first === undefined) return undefined
  const { bytes, quota, full: authors } = journal.usage(first)
  const name = JSON.stringify(nameOfSpace(spaces, first).name)
  const [author] = authors
  const who = author === undefined || authors.includes(undefined) ? 'all' : nameOfMember(spaces, first, author).name
  const more = full.length === 1 ? '' : `; and ${full.length - 1} more`
  const whose =
    who === 'all'
      ? 'no data records are taken'
      : `no data records of ${JSON.stringify(who)} are taken, whose share is used up`
  return {
    reason: `the space ${name} holds ${bytes} of ${quota.bytes} bytes: ${whose}${more}`,
    fix: 'Give it more room with `plexus space quota`, or let authors erase or prune; what was refused is fetched then by itself.',
  }
}

function settingOf(space: SpaceId): string {
  return `quota ${space}`
}

function quotaOf(setting: string | undefined): SpaceQuota | undefined {
  const [bytes, authorShare] = (setting ?? '').split(' ').map(Number)
  return bytes === undefined || authorShare === undefined || !Number.isSafeInteger(bytes) || !(authorShare > 0)
    ? undefined
    : { bytes, authorShare }
}
