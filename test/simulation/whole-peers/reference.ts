import type { PeerId, SpaceId } from '../../../src/base/index.ts'
import { verifier } from '../../../src/identity/index.ts'
import type { PlexusNode } from '../../../src/node/index.ts'
import { LOG_CLASS, type StoredRecord } from '../../../src/records/index.ts'
import { type ControlRecord, controlRecordOf } from '../../../src/space/index.ts'
import { referenceVerdicts, type Verdicts } from '../../property/space/reference-evaluator.ts'
import type { Finding, Honest } from './checks.ts'

const PAGE = 1_000
/** The reference says what the rules mean, not quickly: beyond this it is not asked. */
const RECORDS_MAX = 220

/** What a second evaluator, written from the rules alone, makes of the control records that a peer holds, against what the peer does. */
export function againstReference(space: SpaceId, { peer, node }: Honest): readonly Finding[] {
  const controls = controlRecords(node, space)
  const genesis = controls.find((one): one is ControlRecord<'genesis'> => one.body.type === 'genesis')
  if (genesis === undefined) return [{ check: 'reference', what: `${peer.name} has no genesis` }]
  if (controls.length > RECORDS_MAX) return []
  const logs = new Set(node.journal.heads(space).map(({ log }) => log))
  const others = controls.filter((one) => one !== genesis)
  const verdicts = referenceVerdicts(genesis, others, logs)
  const one = { peer, node }
  return [
    ...membersAgainst(verdicts, space, one),
    ...logsAgainst(verdicts, space, one),
    ...erasedAgainst(verdicts, space, one),
  ]
}

function controlRecords(node: PlexusNode, space: SpaceId): readonly ControlRecord[] {
  const query = { space, class: LOG_CLASS.control, limit: PAGE }
  const all: StoredRecord[] = []
  for (let page = node.journal.records(query); page.length > 0; ) {
    all.push(...page)
    page = node.journal.records({ ...query, afterRid: page.at(-1)?.rid ?? 0 })
  }
  return all.flatMap((record) => controlRecordOf(record, verifier()) ?? [])
}

function membersAgainst({ members }: Verdicts, space: SpaceId, { peer, node }: Honest): readonly Finding[] {
  const right = Object.entries(members).map(([id, text]) => `${id} ${text.split(' ').slice(0, 2).join(' ')}`)
  const found = (node.spaces.get(space)?.members ?? []).map(({ peer: id, role, level }) => `${id} ${role} ${level}`)
  const wrong = [...new Set(right).symmetricDifference(new Set(found))]
  if (wrong.length === 0) return []
  return [{ check: 'reference', what: `${peer.name} has other members than it should: ${wrong.join(', ')}` }]
}

/** No record may be there that its author had no right to write. */
function logsAgainst({ rules }: Verdicts, space: SpaceId, { peer, node }: Honest): readonly Finding[] {
  return node.journal.heads(space).flatMap(({ author, log, base, seq }): readonly Finding[] => {
    const end = endOf(rules, author, log)
    if (seq <= end || seq < base) return []
    return [{ check: 'unauthorised', what: `${peer.name} holds ${author.slice(-6)} ${log} up to ${seq}, not ${end}` }]
  })
}

/** What somebody with the right to do so erased is readable nowhere. */
function erasedAgainst({ erased }: Verdicts, space: SpaceId, { peer, node }: Honest): readonly Finding[] {
  return erased.flatMap((place) => {
    const [author, log, seq] = place.split('/') as [PeerId, string, string]
    const [frame] = node.journal.frames(space, author, log, Number(seq), Number(seq))
    const isThere = frame !== undefined && frame.body !== null
    return isThere ? [{ check: 'erased', what: `${peer.name} still has ${author.slice(-6)} ${log} ${seq}` }] : []
  })
}

function endOf(rules: Verdicts['rules'], author: PeerId, log: string): number {
  const [end] = (rules[`${author} ${log}`] ?? 'none').split(' ')
  return end === 'all' ? Number.POSITIVE_INFINITY : end === 'none' ? 0 : Number(end)
}
