import { bytesEqual, bytesOfHex, hexOf, type PeerId, peerIdOfKey, recordIdOf, type SpaceId } from '../../base/index.ts'
import type { Verifier } from '../../identity/index.ts'
import {
  bodyHashOf,
  decodeBody,
  decodeHeader,
  type Frame,
  type Header,
  isSignedBy,
  LOG_CLASS,
  RecordsError,
  recordIdBytes,
  type StoredRecord,
} from '../../records/index.ts'
import { type ControlRecord, controlRecordOf, evaluateMembership } from '../../space/index.ts'
import { SyncError } from '../errors.ts'

/** The recovery key of a space ranks above the founder's device; before the genesis nothing can be judged. */
const [RECOVERY_LEVEL, GENESIS_FIRST] = [-1, -2]

interface Checked {
  readonly frame: Frame
  readonly header: Header
  readonly id: Uint8Array
  readonly author: PeerId
  /** Device and log. */
  readonly key: string
}

/**
 * Checks the control records that somebody sent, before any of them is stored: that they are those of `space`, genuine and
 * without gaps, and that they make `self` a member. Returns the logs in an order in which each author is known before its
 * records come. Throws `ERR_JOIN_ANSWER`.
 */
export function proveAdmission(
  frames: readonly Frame[],
  options: { readonly space: SpaceId; readonly self: PeerId; readonly verifier: Verifier },
): readonly (readonly Frame[])[] {
  const { space, self, verifier } = options
  const logs = checkedLogs(frames, { ...options, isWhole: true })
  const records = logs.flat().map((one) => controlRecordOf(storedForm(one, space), verifier))
  const genesis = records.find(isGenesis)
  if (genesis === undefined || genesis.id !== (space as string)) refuse('the genesis of the space is missing')
  const { members, former } = evaluateMembership(
    genesis,
    records.filter((record) => record !== undefined),
  )
  if (members.get(self) === undefined) refuse('they do not make this device a member')
  const recovery = genesis.body.recovery === undefined ? undefined : peerIdOfKey(bytesOfHex(genesis.body.recovery))

  const level = (log: readonly Checked[]): number => {
    const author = log[0]?.author ?? self
    if (log.some(({ id }) => recordIdOf(id) === genesis.id)) return GENESIS_FIRST
    if (author === recovery) return RECOVERY_LEVEL
    return (members.get(author) ?? former.get(author))?.level ?? Number.POSITIVE_INFINITY
  }
  return logs
    .filter((log) => Number.isFinite(level(log)))
    .toSorted((a, b) => level(a) - level(b) || begun(a) - begun(b))
    .map((log) => log.map(({ frame }) => frame))
}

/**
 * Checks that frames are control records of `space`, genuine and without gaps, whatever they say. Returns their logs, those that were
 * begun first before others. Throws `ERR_JOIN_ANSWER`.
 */
export function genuineLogs(
  frames: readonly Frame[],
  options: { readonly space: SpaceId; readonly verifier: Verifier },
): readonly (readonly Frame[])[] {
  return checkedLogs(frames, options)
    .toSorted((a, b) => begun(a) - begun(b))
    .map((log) => log.map(({ frame }) => frame))
}

/** Who takes over a place, or is let in, begins to write after that. */
function begun(log: readonly Checked[]): number {
  return log[0]?.header.hlc ?? 0
}

function checkedLogs(
  frames: readonly Frame[],
  {
    space,
    verifier,
    isWhole = false,
  }: { readonly space: SpaceId; readonly verifier: Verifier; readonly isWhole?: boolean },
): readonly (readonly Checked[])[] {
  const spaceBytes = bytesOfHex(space)
  const all = frames.map((frame) => checked(frame, spaceBytes))
  // Before any signature is looked at: whoever does not know the space costs little.
  if (isWhole && !all.some(({ id }) => bytesEqual(id, spaceBytes))) refuse('the genesis of the space is missing')
  const logs = Map.groupBy(all, ({ key }) => key)
  for (const log of logs.values()) assertChain(log, verifier)
  return [...logs.values()]
}

function checked(frame: Frame, space: Uint8Array): Checked {
  const header = headerOf(frame)
  const id = recordIdBytes(frame.header)
  const isGenesis = header.seq === 1 && bytesEqual(id, space)
  if (!isGenesis && !bytesEqual(header.space, space)) refuse('one of them is of another space')
  if (header.log[0] !== LOG_CLASS.control) refuse('one of them is no control record')
  const { body } = frame
  if (body !== null && !(body.byteLength === header.bodyLen && bytesEqual(bodyHashOf(body), header.bodyHash))) {
    refuse('the body of one of them was changed')
  }
  return { frame, header, id, author: peerIdOfKey(header.device), key: hexOf(header.device) + hexOf(header.log) }
}

function headerOf(frame: Frame): Header {
  try {
    return decodeHeader(frame.header)
  } catch (cause) {
    if (cause instanceof RecordsError) return refuse('one of them cannot be read', cause)
    throw cause
  }
}

/** A log from its first record on, each naming the one before it: the signature of the last speaks for all. */
function assertChain(log: readonly Checked[], verifier: Verifier): void {
  let previous: Checked | undefined
  for (const one of log) {
    const follows = one.header.seq === (previous?.header.seq ?? 0) + 1
    if (!follows || (previous !== undefined && !bytesEqual(one.header.prev, previous.id))) refuse('a log has a gap')
    previous = one
  }
  if (previous === undefined) return
  const { header, frame } = previous
  if (!isSignedBy(verifier, header.device, frame.header, frame.signature)) refuse('a signature is wrong')
}

function storedForm({ frame, header, id, author }: Checked, space: SpaceId): StoredRecord {
  const { seq, hlc, kind, exp } = header
  return {
    rid: 0,
    id: recordIdOf(id),
    space,
    author,
    class: LOG_CLASS.control,
    log: hexOf(header.log),
    seq,
    hlc,
    kind,
    exp,
    body: frame.body === null ? undefined : decodeBody(frame.body),
    signatureChecked: true,
  }
}

function isGenesis(record: ControlRecord | undefined): record is ControlRecord<'genesis'> {
  return record?.body.type === 'genesis'
}

function refuse(why: string, cause?: unknown): never {
  throw new SyncError('ERR_JOIN_ANSWER', `the answer of the issuer was refused: among its control records, ${why}`, {
    cause,
    fix: 'Ask for a ticket from another admin of the space, and tell that one about this.',
  })
}
