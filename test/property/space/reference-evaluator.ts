import { bytesOfHex, hlcToMs, type PeerId, peerIdOfKey, type RecordId } from '../../../src/base/index.ts'
import { type ControlRecord, type ControlType, type Cut, ROLES, type Role } from '../../../src/space/index.ts'

/** What two evaluators must agree on, as text and numbers. */
export interface Verdicts {
  readonly members: Readonly<Record<string, string>>
  readonly former: Readonly<Record<string, string>>
  readonly invites: Readonly<Record<string, string>>
  readonly rules: Readonly<Record<string, string>>
  readonly erased: readonly string[]
  /** Ids of epoch and fork records that are heard, with what their authors are. */
  readonly said: readonly string[]
}

type Of<T extends ControlType> = ControlRecord<T>
type End = readonly [seq: number, id: string]
interface Adm {
  readonly id: string
  readonly level: number
  readonly by: PeerId
  readonly byLevel: number
  readonly role: Role
  readonly granted: Role
  readonly principal: string
  readonly after: readonly string[]
}
interface Rev {
  readonly id: string
  readonly by: PeerId
  readonly level: number
  readonly cuts: readonly Cut[]
  readonly own?: readonly [log: string, seq: number]
  readonly to?: PeerId
}
/** A device as the definitions of docs/specs/space.md see it. */
interface Fact {
  readonly level: number
  /** How many rotations led to it from a device that was admitted. */
  readonly round: number
  readonly admissions: readonly Adm[]
  readonly changes: readonly (readonly [level: number, id: RecordId])[]
  readonly outer: readonly Rev[]
  readonly own: readonly Rev[]
  readonly accepts: readonly (readonly [level: number, id: RecordId])[]
}
type World = ReadonlyMap<PeerId, Fact>
interface Voice {
  readonly level: number
  readonly admin: boolean
  readonly principal: string
  readonly role: Role
  readonly granted: Role
}

const INFINITE: End = [Number.POSITIVE_INFINITY, '']
const NONE: End = [0, '']
const rank = (role: Role): number => ROLES.indexOf(role)
const low = (a: Role, b: Role): Role => (rank(a) < rank(b) ? a : b)
const top = (roles: readonly Role[]): Role => roles.toSorted((a, b) => rank(b) - rank(a))[0] as Role
const first = <T extends { level: number; id: string }>(list: readonly T[]): readonly T[] =>
  list.toSorted((a, b) => a.level - b.level || (a.id < b.id ? -1 : 1))
const least = (ends: readonly End[]): End =>
  ends.toSorted((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1))[0] ?? INFINITE
const isControl = (log: string): boolean => log.startsWith('00')

/**
 * The rules of docs/specs/space.md as definitions over the whole set: every question is answered from the answers of the last
 * round, from nothing on until a round changes nothing. It knows no levels to go by, and shares nothing with the product but types.
 */
/** `logs` are asked for besides those that the records name. */
export function referenceVerdicts(
  genesis: Of<'genesis'>,
  records: readonly ControlRecord[],
  logs: Iterable<string> = [],
): Verdicts {
  const founder = genesis.author
  const recoveryKey = genesis.body.recovery
  const namedRecovery = recoveryKey === undefined ? undefined : peerIdOfKey(bytesOfHex(recoveryKey))
  const recovery = namedRecovery === founder ? undefined : namedRecovery
  const byId = new Map<string, ControlRecord>(records.map((record) => [record.id, record]))
  const all = <T extends ControlType>(type: T): Of<T>[] => records.filter((one) => one.body.type === type) as Of<T>[]
  let world: World = new Map()

  // --- What a device is, by what is known of it -------------------------------------------------------------------------------

  const undoneBy = (adm: Adm, revs: readonly Rev[]): readonly Rev[] =>
    revs.filter((rev) => adm.after.includes(rev.id) && adm.byLevel <= rev.level)
  const keyOf = (revs: readonly Rev[]): string =>
    first(revs)
      .map(({ id }) => id)
      .join()
  const revsOf = (fact: Fact): readonly Rev[] => [...fact.outer, ...fact.own]
  const ownCut = (rev: Rev, log: string): End | undefined => (rev.own?.[0] === log ? [rev.own[1], rev.id] : undefined)
  const namedCut = (rev: Rev, log: string): End | undefined => {
    const cuts = rev.cuts.filter(([one]) => one === log).map(([, seq, id]): End => [seq, id])
    return ownCut(rev, log) ?? (cuts.length === 0 ? undefined : least(cuts))
  }

  /** Acceptances of a log that count: for each place only the first of the choices. */
  function acceptsOf(
    peer: PeerId,
    fact: Fact,
    log: string,
  ): readonly { level: number; id: string; record: Of<'accept'> }[] {
    const own = all('accept').filter(
      (one) =>
        one.author === peer &&
        one.body.device === peer &&
        one.body.first !== undefined &&
        !isControl(log) &&
        voice(one),
    )
    const listed = [...fact.accepts, ...own.map((one) => [fact.level, one.id] as const)]
    const found = first(listed.map(([level, id]) => ({ level, id, record: byId.get(id) as Of<'accept'> }))).filter(
      ({ record }) => record.body.log === log,
    )
    const isBeaten = (one: (typeof found)[number]): boolean =>
      found
        .slice(0, found.indexOf(one))
        .some(({ record }) => record.body.first !== undefined && record.body.from === one.record.body.from)
    return found.filter((one) => one.record.body.first === undefined || !isBeaten(one))
  }

  function moved(end: End, level: number, accepts: ReturnType<typeof acceptsOf>): End {
    const may = accepts.filter((one) => one.level <= level)
    const next = may.find(({ record }) => record.body.from <= end[0] + 1 && record.body.to > end[0])
    if (next !== undefined) return moved([next.record.body.to, 'moved'], level, accepts)
    return end[1] === 'moved'
      ? [end[0], may.find(({ record }) => record.body.to === end[0])?.record.body.id ?? '']
      : end
  }

  /** How far a log counts for an admission. */
  function windowOf(peer: PeerId, fact: Fact, adm: Adm, log: string, revs: readonly Rev[]): End {
    const undone = undoneBy(adm, revs)
    if (undone.some((rev) => namedCut(rev, log) !== undefined)) return NONE
    const accepts = acceptsOf(peer, fact, log)
    return least(
      first(revs.filter((rev) => !undone.includes(rev))).map((rev) =>
        moved(namedCut(rev, log) ?? NONE, rev.level, accepts),
      ),
    )
  }

  const latest = (fact: Fact, revs: readonly Rev[]): readonly Adm[] =>
    first(fact.admissions).toSorted((a, b) => undoneBy(b, revs).length - undoneBy(a, revs).length)

  function placeOf(peer: PeerId, fact: Fact, log: string, revs: readonly Rev[] = revsOf(fact)): { adm: Adm; end: End } {
    const accepts = acceptsOf(peer, fact, log)
    const choices = accepts.filter(({ record }) => record.body.first !== undefined)
    const closed = choices.map(({ level, record }) => moved([record.body.to, record.body.id], level, accepts))
    const places = latest(fact, revs).map((adm) => ({ adm, end: windowOf(peer, fact, adm, log, revs) }))
    const best = places.reduce((a, b) => (b.end[0] > a.end[0] ? b : a))
    return { adm: best.adm, end: least([best.end, ...closed]) }
  }

  function keptOf(peer: PeerId, fact: Fact, log: string): End {
    const accepts = acceptsOf(peer, fact, log)
    const words = fact.own.filter((rev) => rev.own?.[0] === log)
    return least([
      placeOf(peer, fact, log, fact.outer).end,
      ...words.map((rev) => moved(ownCut(rev, log) as End, rev.level, accepts)),
    ])
  }

  /** The role of the term that an admission belongs to, and the record that says so. */
  function decisionOf(peer: PeerId, fact: Fact, adm: Adm): { id: string; role: Role; cuts: readonly Cut[] } {
    const revs = revsOf(fact)
    const term = (one: Adm): string => keyOf(undoneBy(one, revs))
    const peers = first(fact.admissions.filter((one) => term(one) === term(adm)))
    const own = all('role').filter((one) => {
      if (one.author !== peer || one.body.device !== peer) return false
      const place = placeOf(peer, fact, one.log)
      return one.seq <= place.end[0] && term(place.adm) === term(adm)
    })
    const changes = [...fact.changes, ...own.map((one) => [fact.level, one.id] as const)].map(([level, id]) => ({
      level,
      record: byId.get(id) as Of<'role'>,
    }))
    let at = { id: (peers[0] as Adm).id, role: (peers[0] as Adm).role, cuts: [] as readonly Cut[] }
    for (let ids = peers.map(({ id }) => id); ; ids = [at.id]) {
      const children = changes
        .filter(({ record }) => ids.includes(record.body.replaces))
        .filter(
          ({ record }) => record.author !== peer || (at.role === 'admin' && rank(record.body.role) < rank('admin')),
        )
        .toSorted(
          (a, b) =>
            a.level - b.level ||
            rank(a.record.body.role) - rank(b.record.body.role) ||
            (a.record.id < b.record.id ? -1 : 1),
        )
      if (children[0] === undefined) return at
      const { id, body } = children[0].record
      at = { id, role: body.role, cuts: body.cuts }
    }
  }

  const grantedOf = ({ admissions, changes }: Fact): Role =>
    top([...admissions.map((adm) => adm.granted), ...changes.map(([, id]) => (byId.get(id) as Of<'role'>).body.role)])

  /** Whether a record is heard, and as whose word. */
  function voice(record: ControlRecord): Voice | undefined {
    if (record.author === recovery) return { level: -1, admin: true, principal: '', role: 'admin', granted: 'admin' }
    const fact = world.get(record.author)
    if (fact === undefined) return undefined
    const { adm, end } = placeOf(record.author, fact, record.log)
    if (record.seq > end[0]) return undefined
    const { role, cuts } = decisionOf(record.author, fact, adm)
    const cut = cuts.filter(([log]) => log === record.log).map(([, seq]) => seq)
    const admin = rank(role) >= rank('admin') || (cut.length > 0 && record.seq <= Math.min(...cut))
    const revs = revsOf(fact)
    const term = keyOf(undoneBy(adm, revs))
    const root = first(fact.admissions.filter((one) => keyOf(undoneBy(one, revs)) === term))[0] as Adm
    return { level: fact.level, admin, principal: root.principal, role, granted: grantedOf(fact) }
  }

  // --- What records say -------------------------------------------------------------------------------------------------------

  const logOrder = (a: ControlRecord, b: ControlRecord): number => a.seq - b.seq || (a.id < b.id ? -1 : 1)

  function inviteOf(author: PeerId, log: string, key: string): Of<'invite'> | undefined {
    const found = all('invite').filter((one) => one.author === author && one.log === log && one.body.key === key)
    return found.filter((one) => voice(one)?.admin).toSorted(logOrder)[0]
  }

  function revokedAt(invite: Of<'invite'>): number | undefined {
    const issuer = voice(invite) as Voice
    const limits = all('revoke').flatMap((one) => {
      const by = one.body.invite === invite.body.key ? voice(one) : undefined
      if (by === undefined) return []
      if (one.author === invite.author) return [one.log === invite.log ? one.seq : cutFor(one, invite.log)]
      return by.admin && by.level < issuer.level ? [cutFor(one, invite.log)] : []
    })
    return limits.length === 0 ? undefined : Math.min(...limits)
  }
  const cutFor = ({ body }: Of<'revoke'>, log: string): number => {
    const cuts = (body.cuts ?? []).filter(([one]) => one === log).map(([, seq]) => seq)
    return cuts.length === 0 ? 0 : Math.min(...cuts)
  }

  /** The admissions that an invite let in, in their order. */
  function usersOf(invite: Of<'invite'>): Of<'admit'>[] {
    const issuer = voice(invite)
    const { key, role, uses, expires } = invite.body
    return all('admit')
      .filter((one) => one.author === invite.author && one.log === invite.log && logOrder(invite, one) < 0)
      .filter(({ body }) => body.invite === key && body.role === role && body.level > (issuer?.level ?? 0))
      .filter((one) => isOfSpace(one) && voice(one)?.admin && hlcToMs(one.hlc) <= expires)
      .filter((one) => one.seq <= (revokedAt(invite) ?? Number.POSITIVE_INFINITY))
      .toSorted(logOrder)
      .slice(0, uses)
  }

  function isOfSpace({ author, body }: Of<'admit'>): boolean {
    if (!genesis.body.personal || body.principal === genesis.body.principal || author === recovery) return true
    return all('admit').some((one) => one.author === recovery && one.body.principal === body.principal)
  }

  function admissionBy(record: Of<'admit'>): Adm | undefined {
    const by = voice(record)
    const { body, id, author } = record
    if (by === undefined || body.level <= by.level || !isOfSpace(record)) return undefined
    const isSecond = body.proof !== undefined && body.invite === undefined && body.principal === by.principal
    if (!by.admin && !isSecond) return undefined
    if (body.invite !== undefined) {
      const invite = inviteOf(author, record.log, body.invite)
      if (invite === undefined || !usersOf(invite).includes(record)) return undefined
    }
    const role = by.admin ? body.role : low(body.role, by.role)
    const granted = by.admin ? body.role : low(body.role, by.granted)
    const { level, principal, after = [] } = body
    return { id, level, by: author, byLevel: by.level, role, granted, principal, after }
  }

  /** Rotations that hand a term over. */
  function claims(): { level: number; round: number; id: string; record: Of<'rotate'>; adm: Adm }[] {
    return [...world].flatMap(([peer, fact]) => {
      const revs = revsOf(fact)
      const heard = fact.own.flatMap((word) => {
        const [log, seq] = word.own as readonly [string, number]
        const accepts = acceptsOf(peer, fact, log)
        const isIn = (adm: Adm): boolean => {
          const undone = undoneBy(adm, revs)
          if (undone.some((rev) => namedCut(rev, log) !== undefined)) return false
          const outer = fact.outer.filter((rev) => !undone.includes(rev))
          return outer.every((rev) => moved(namedCut(rev, log) ?? NONE, rev.level, accepts)[0] >= seq)
        }
        const adm = latest(fact, revs).find(isIn)
        return word.to === undefined || adm === undefined ? [] : [{ word, adm, term: keyOf(undoneBy(adm, revs)) }]
      })
      return heard
        .filter(({ term, word }) => heard.every((one) => one.term !== term || one.word.to === word.to))
        .filter(({ term, word }) => heard.every((one) => one.term !== term || one.word.id >= word.id))
        .map(({ word, adm }) => {
          const record = byId.get(word.id) as Of<'rotate'>
          return { level: fact.level, round: fact.round + 1, id: word.id, record, adm }
        })
    })
  }

  function factOf(peer: PeerId, claimed: ReturnType<typeof claims>, admits: readonly Of<'admit'>[]): Fact | undefined {
    if (peer === recovery) return undefined
    const given = admits.filter(({ body }) => body.device === peer).flatMap((one) => admissionBy(one) ?? [])
    const births: Adm[] = peer === founder ? [founding] : []
    const level = Math.min(...[...given, ...births].map((adm) => adm.level), ...claimed.map((one) => one.level))
    if (level === Number.POSITIVE_INFINITY) return undefined
    const isAdmitted = [...given, ...births].some((adm) => adm.level === level)
    const atLevel = claimed.filter((one) => one.level === level)
    const round = isAdmitted ? 0 : Math.min(...atLevel.map((one) => one.round))
    const claim = first(atLevel.filter((one) => one.round === round))[0]
    if (claim !== undefined) births.push(successionBy(claim))
    const admissions = [...births, ...given.filter((adm) => adm.byLevel < level)]
    const changes = all('role').flatMap((one) => {
      const by = one.body.device === peer && one.author !== peer ? voice(one) : undefined
      return by?.admin && by.level < level ? [[by.level, one.id] as const] : []
    })
    const outer = all('revoke').flatMap((one): Rev[] => {
      const by = one.body.device === peer && one.author !== peer ? voice(one) : undefined
      const mayRemove = by !== undefined && (by.admin || admissions.some((adm) => adm.principal === by.principal))
      return mayRemove && by.level < level
        ? [{ id: one.id, by: one.author, level: by.level, cuts: one.body.cuts ?? [] }]
        : []
    })
    const accepts = all('accept').flatMap((one) => {
      const by = one.body.device === peer && one.author !== peer ? voice(one) : undefined
      return by?.admin && by.level < level ? [[by.level, one.id] as const] : []
    })
    return withLastWords(peer, { level, round, admissions, changes, outer, own: [], accepts })
  }

  /** One record after another of a log, as long as nothing said before ends it. */
  function withLastWords(peer: PeerId, fact: Fact): Fact {
    const words = [...all('revoke'), ...all('rotate')].filter(
      ({ author, body }) =>
        author === peer &&
        (body.type === 'revoke'
          ? body.device === peer
          : body.device !== peer && fact.admissions.some((adm) => adm.principal === body.principal)),
    )
    let own: readonly Rev[] = []
    for (const one of words.toSorted(logOrder)) {
      if (one.seq > keptOf(peer, { ...fact, own }, one.log)[0]) continue
      const to = one.body.type === 'rotate' ? { to: one.body.device } : {}
      const cuts = one.body.cuts ?? []
      own = [...own, { id: one.id, by: peer, level: fact.level, cuts, own: [one.log, one.seq], ...to }]
    }
    return { ...fact, own: first(own) }
  }

  const founding: Adm = {
    id: genesis.id,
    level: 0,
    by: founder,
    byLevel: -1,
    role: 'founder',
    granted: 'founder',
    principal: genesis.body.principal,
    after: [],
  }
  function successionBy({ level, record, adm }: ReturnType<typeof claims>[number]): Adm {
    const { author: by, id, body } = record
    const fact = world.get(by) as Fact
    const { role } = decisionOf(by, fact, adm)
    return { id, level, by, byLevel: level, role, granted: grantedOf(fact), principal: body.principal, after: [] }
  }

  const named = records.flatMap(({ body }) => ('device' in body && body.device !== undefined ? [body.device] : []))
  const devices = new Set<PeerId>([founder, ...named, ...records.map(({ author }) => author)])
  for (let rounds = 0, changes = true; changes; rounds++) {
    if (rounds > 100) throw new Error('the definitions do not settle')
    const claimed = claims()
    const next = [...devices].flatMap((peer): [PeerId, Fact][] => {
      const fact = factOf(
        peer,
        claimed.filter(({ record }) => record.body.device === peer),
        all('admit'),
      )
      return fact === undefined ? [] : [[peer, fact]]
    })
    changes = JSON.stringify(next) !== JSON.stringify([...world])
    world = new Map(next)
  }

  // --- Verdicts ---------------------------------------------------------------------------------------------------------------

  const members: Record<string, string> = {}
  const former: Record<string, string> = {}
  const rules: Record<string, string> = {}
  for (const [peer, fact] of world) {
    const revs = revsOf(fact)
    const [last] = latest(fact, revs) as readonly Adm[] as readonly [Adm]
    const standing = first(revs.filter((rev) => !undoneBy(last, revs).includes(rev)))
    const { role, id } = decisionOf(peer, fact, last)
    if (standing[0] === undefined) members[peer] = [role, fact.level, grantedOf(fact), last.id, id].join(' ')
    else {
      const [by] = standing
      const why = by.own === undefined ? 'removed' : by.to === undefined ? 'left' : 'rotated'
      const heir = by.to !== undefined && world.get(by.to)?.admissions.some((adm) => adm.id === by.id) ? by.to : '-'
      former[peer] = [role, fact.level, why, by.by, heir, keyOf(revs), first(revs)[0]?.level].join(' ')
    }
  }
  const asked = new Set([
    ...logs,
    ...records.map(({ log }) => log),
    ...records.flatMap(({ body }) => ('cuts' in body ? (body.cuts ?? []).map(([log]) => log) : [])),
    ...records.flatMap(({ body }) => ('log' in body ? [body.log] : [])),
    genesis.log,
  ])
  for (const peer of devices) for (const log of asked) rules[`${peer} ${log}`] = ruleOf(peer, log)

  function ruleOf(peer: PeerId, log: string): string {
    const fact = world.get(peer)
    if (peer === recovery) return isControl(log) ? 'all' : 'none'
    if (fact === undefined) return 'none'
    if (!isControl(log) && rank(grantedOf(fact)) < rank('writer')) return 'none'
    const [seq, id] = isControl(log) ? keptOf(peer, fact, log) : placeOf(peer, fact, log).end
    if (seq === 0 && peer === founder && log === genesis.log) return `1 ${genesis.id}`
    if (seq === 0 && !acceptsOf(peer, fact, log).some(({ record }) => record.body.first !== undefined)) return 'none'
    const branches = acceptsOf(peer, fact, log).flatMap(({ record }) =>
      record.body.first === undefined ? [] : [`${record.body.from}:${record.body.first}`],
    )
    const end = seq === Number.POSITIVE_INFINITY ? 'all' : seq === 0 ? 'none' : `${seq} ${id}`
    return [end, ...branches.toSorted()].join(' ')
  }

  const invites = records.flatMap((one) => {
    if (one.body.type !== 'invite' || inviteOf(one.author, one.log, one.body.key) !== one) return []
    const invite = one as Of<'invite'>
    return [
      [`${one.author} ${one.log} ${one.body.key}`, `${usersOf(invite).length} ${revokedAt(invite) !== undefined}`],
    ]
  })
  const erased = all('erase').flatMap((one) => {
    const by = voice(one)
    const { device, log, seq } = one.body
    const target = world.get(device)
    const may = one.author === device || (by?.admin === true && by.level < (target?.level ?? -1))
    return by !== undefined && target !== undefined && may && !isControl(log) ? [`${device}/${log}/${seq}`] : []
  })
  const said = [...all('epoch'), ...all('fork')].flatMap((one) => {
    const by = voice(one)
    return by === undefined ? [] : [`${one.id} ${by.level} ${by.admin}`]
  })
  return {
    members,
    former,
    invites: Object.fromEntries(invites),
    rules,
    erased: [...new Set(erased)].toSorted(),
    said: said.toSorted(),
  }
}
