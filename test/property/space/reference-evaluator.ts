import type { PeerId, RecordId } from '../../../src/base/index.ts'
import { hlcToMs } from '../../../src/base/index.ts'
import { type ControlRecord, ROLES, type Role } from '../../../src/space/index.ts'

/** What two evaluators must agree on. */
export interface Verdicts {
  readonly members: Readonly<Record<string, string>>
  readonly invites: Readonly<Record<string, number>>
}

const rank = (role: Role): number => ROLES.indexOf(role)
const smaller = (a: string, b: string): boolean => a < b

/**
 * The rules of docs/specs/space.md as slowly and plainly as they can be put: it asks about one device at a time, by
 * recursion over levels, and shares nothing with the product but its types.
 */
export function referenceVerdicts(genesis: ControlRecord<'genesis'>, records: readonly ControlRecord[]): Verdicts {
  const founder = genesis.author
  const devices = new Set<PeerId>(records.flatMap(({ body }) => (body.type === 'admit' ? [body.device] : [])))

  /** Level of a device when only records of authors below `level` are looked at. */
  const levelOf = (device: PeerId): number | undefined => {
    if (device === founder) return 0
    const levels = admitsOf(device).map((admit) => admit.body.level)
    return levels.length === 0 ? undefined : Math.min(...levels)
  }

  const memo = new Map<string, readonly ControlRecord<'admit'>[]>()
  /** Admissions that count for `device`: a fixed point, found by raising the level limit step by step. */
  function admitsOf(device: PeerId, limit = Number.POSITIVE_INFINITY): readonly ControlRecord<'admit'>[] {
    const key = `${device} ${limit}`
    const known = memo.get(key)
    if (known !== undefined) return known
    const found = records.filter((record): record is ControlRecord<'admit'> => {
      if (record.body.type !== 'admit' || record.body.device !== device || record.body.level > limit) return false
      if (genesis.body.personal && record.body.principal !== genesis.body.principal) return false
      return admitCounts(record as ControlRecord<'admit'>)
    })
    memo.set(key, found)
    return found
  }

  function admitCounts(admit: ControlRecord<'admit'>): boolean {
    const authorLevel = levelBelow(admit.author, admit.body.level)
    if (authorLevel === undefined || authorLevel >= admit.body.level) return false
    if (!speaksAt(admit, authorLevel)) return false
    return admit.body.invite === undefined || usesInvite(admit, authorLevel)
  }

  /** The level of a device, if it is less than `level`. Level by level, so that what comes of it is never asked about it. */
  function levelBelow(device: PeerId, level: number): number | undefined {
    if (device === founder) return 0
    for (let one = 1; one < level; one++) if (admitsOf(device, one).length > 0) return one
    return undefined
  }

  function usesInvite(admit: ControlRecord<'admit'>, authorLevel: number): boolean {
    const log = records
      .filter((one) => one.author === admit.author && one.log === admit.log && speaksAt(one, authorLevel))
      .toSorted((a, b) => a.seq - b.seq || (smaller(a.id, b.id) ? -1 : 1))
    const invite = log.find((one) => one.body.type === 'invite' && one.body.key === admit.body.invite)
    if (invite?.body.type !== 'invite') return false
    const { key, role, uses, expires } = invite.body
    const takers = log
      .slice(log.indexOf(invite))
      .filter(
        (one) =>
          one.body.type === 'admit' &&
          one.body.invite === key &&
          one.body.role === role &&
          one.body.level > authorLevel &&
          (!genesis.body.personal || one.body.principal === genesis.body.principal) &&
          hlcToMs(one.hlc) <= expires,
      )
    return takers.slice(0, uses).includes(admit)
  }

  /** Whether what `record` says counts at all, its author standing at `level`. */
  function speaksAt(record: ControlRecord, level: number): boolean {
    if (record.author === founder) return true
    const { role, granted, cuts } = roleAt(record.author, level)
    if (rank(granted) < rank('admin')) return false
    if (rank(role) >= rank('admin')) return true
    return (cuts.findLast(([log]) => log === record.log)?.[1] ?? 0) >= record.seq
  }

  const roleMemo = new Map<string, ReturnType<typeof roleUncached>>()
  function roleAt(device: PeerId, level: number): ReturnType<typeof roleUncached> {
    const key = `${device} ${level}`
    const known = roleMemo.get(key) ?? roleUncached(device, level)
    roleMemo.set(key, known)
    return known
  }

  function roleUncached(
    device: PeerId,
    level: number,
  ): { role: Role; granted: Role; cuts: readonly (readonly [string, number, RecordId])[] } {
    const admits = records.filter(
      (one): one is ControlRecord<'admit'> =>
        one.body.type === 'admit' &&
        one.body.device === device &&
        (!genesis.body.personal || one.body.principal === genesis.body.principal) &&
        (levelBelow(one.author, level) ?? level) < level &&
        admitCounts(one as ControlRecord<'admit'>),
    )
    let best = admits[0] as ControlRecord<'admit'>
    for (const one of admits) {
      const lower = one.body.level < best.body.level
      if (lower || (one.body.level === best.body.level && smaller(one.id, best.id))) best = one
    }
    const changes = records.filter((one): one is ControlRecord<'role'> => {
      if (one.body.type !== 'role' || one.body.device !== device || one.author === device) return false
      const authorLevel = levelBelow(one.author, level)
      return authorLevel !== undefined && authorLevel < level && speaksAt(one, authorLevel)
    })
    const own = records.filter(
      (one): one is ControlRecord<'role'> =>
        one.body.type === 'role' && one.body.device === device && one.author === device,
    )
    const granted = [...admits, ...changes].map((one) => one.body.role).toSorted((a, b) => rank(b) - rank(a))[0] as Role
    let at: ControlRecord<'admit'> | ControlRecord<'role'> = best
    for (;;) {
      const above: Role = at.body.role
      const isTop = at === best
      const ids = isTop ? admits.map(({ id }) => id) : [at.id]
      let next: ControlRecord<'role'> | undefined
      for (const one of [...changes, ...own]) {
        if (!ids.includes(one.body.replaces) || (!isTop && admits.some(({ id }) => id === one.body.replaces))) continue
        if (one.author === device && rank(above) < rank('admin')) continue
        if (one.author === device && rank(one.body.role) >= rank(above)) continue
        if (next === undefined || beats(one, next)) next = one
      }
      if (next === undefined) break
      at = next
    }
    return { role: at.body.role, granted, cuts: at.body.type === 'role' ? at.body.cuts : [] }

    function beats(a: ControlRecord<'role'>, b: ControlRecord<'role'>): boolean {
      const seniority = (one: ControlRecord<'role'>): number =>
        one.author === device ? level : (levelBelow(one.author, level) ?? 0)
      if (seniority(a) !== seniority(b)) return seniority(a) < seniority(b)
      if (a.body.role !== b.body.role) return rank(a.body.role) < rank(b.body.role)
      return smaller(a.id, b.id)
    }
  }

  const members: Record<string, string> = { [founder]: 'founder 0 founder' }
  for (const device of devices) {
    const level = levelOf(device)
    if (level === undefined || device === founder) continue
    const { role, granted } = roleAt(device, level)
    members[device] = `${role} ${level} ${granted}`
  }
  const invites: Record<string, number> = {}
  for (const one of records) {
    if (one.body.type !== 'invite') continue
    const level = levelOf(one.author)
    if (level === undefined || !speaksAt(one, level)) continue
    const { key } = one.body
    const place = `${one.author} ${one.log} ${key}`
    invites[place] = records.filter(
      (use) =>
        use.body.type === 'admit' &&
        use.author === one.author &&
        use.log === one.log &&
        use.body.invite === key &&
        use.body.level > level &&
        usesInvite(use as ControlRecord<'admit'>, level) &&
        speaksAt(use, level),
    ).length
  }
  return { members, invites }
}
