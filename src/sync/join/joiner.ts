import { type Clock, reasonOf, withDeadline } from '../../base/index.ts'
import type { Channel, Transport } from '../../network/index.ts'
import { decodeFrames, type Frame, RecordsError } from '../../records/index.ts'
import type { JoinRequest, Ticket } from '../../space/index.ts'
import { type JoinRefusalCode, SyncError } from '../errors.ts'
import { FramedChannel } from './framed-channel.ts'
import {
  decodeJoinAnswer,
  encodeJoinRequest,
  JOIN_ANSWER_MAX_BYTES,
  JOIN_FRAME_MAX_BYTES,
  JOIN_PROTOCOL,
  type JoinAnswer,
  type PeerAddresses,
} from './join-wire.ts'

/** From the opening of the stream to the issuer's decision, and from there to the end of its answer. */
export const JOIN_DECISION_TIMEOUT_MS = 10_000
export const JOIN_MEMBERSHIP_TIMEOUT_MS = 60_000

export interface JoinerComponents {
  readonly transport: Transport
  readonly clock: Clock
}

export interface JoinerOptions {
  readonly signal: AbortSignal
  readonly onConnected: () => void
  readonly onAdmitted: () => void
}

/** What an issuer said: nothing of it is checked yet. */
export interface IssuerAnswer {
  readonly frames: readonly Frame[]
  readonly peers: readonly PeerAddresses[]
}

/** Why an issuer refuses, in our own words: its sentence is not shown for a code that we know. */
const SENTENCES: Readonly<Record<JoinRefusalCode, readonly [reason: string, fix: string]>> = {
  ERR_INVITE_USED: [
    'the ticket has been used already',
    'Ask for a new ticket: each admits one device unless it says otherwise.',
  ],
  ERR_INVITE_EXPIRED: ['the ticket has expired', 'Ask for a new ticket.'],
  ERR_INVITE_REVOKED: ['the ticket was withdrawn', 'Ask for a new ticket.'],
  ERR_INVITE_REMOVED: [
    'this device was removed from the space by somebody who ranks above the maker of the ticket',
    'Ask whoever removed it, or the founder, for a ticket.',
  ],
  ERR_INVITE_UNKNOWN: [
    'the peer that it names made no such ticket',
    'Check that the ticket is whole, or ask for a new one.',
  ],
  ERR_INVITE_PROOF: [
    'the proof of the ticket was not accepted',
    'Check that the ticket is whole, or ask for a new one.',
  ],
  ERR_INVITE_SPACE: ['the peer that it names is not in that space any more', 'Ask another member for a ticket.'],
  ERR_INVITE_NOT_ISSUER: [
    'the peer that it names may not admit anyone any more',
    'Ask an admin of the space for a ticket.',
  ],
  ERR_JOIN_MALFORMED: ['the request was not understood', 'Use the same version of Plexus on both sides.'],
  ERR_JOIN_BUSY: ['the other peer has too many requests at the moment', 'Try again in a minute.'],
}

/**
 * Asks the issuer of a ticket to be admitted and reads its whole answer. Rejects with `SyncError`: `ERR_JOIN_UNREACHABLE`,
 * `ERR_JOIN_REFUSED`, `ERR_JOIN_ANSWER`; or with the signal's reason.
 */
export async function askIssuer(
  ticket: Ticket,
  request: JoinRequest,
  components: JoinerComponents,
  options: JoinerOptions,
): Promise<IssuerAnswer> {
  const { signal } = options
  try {
    const channel = await connect(ticket, components, options)
    try {
      const answer = await converse(channel, request, components.clock, options)
      // All has been read; how the stream ends makes no difference any more.
      await channel.close().catch(() => undefined)
      return answer
    } finally {
      channel.abort(new Error('the join is over'))
    }
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof SyncError && cause.code !== 'ERR_SYNC_MALFORMED') throw cause
    if (cause instanceof SyncError || cause instanceof RecordsError) {
      throw new SyncError('ERR_JOIN_ANSWER', `the answer of the issuer cannot be read: ${cause.message}`, {
        cause,
        fix: 'Use the same version of Plexus on both sides.',
      })
    }
    throw new SyncError('ERR_JOIN_UNREACHABLE', `the peer that made the ticket cannot be reached: ${reasonOf(cause)}`, {
      cause,
      fix: 'Check that the other peer is up and that its machine can be reached from here; the ticket is still good.',
    })
  }
}

async function connect(ticket: Ticket, { transport }: JoinerComponents, options: JoinerOptions): Promise<Channel> {
  const { signal, onConnected } = options
  await transport.dial(ticket.issuer, ticket.addresses, { signal })
  onConnected()
  return transport.open(ticket.issuer, JOIN_PROTOCOL, { signal })
}

async function converse(
  channel: Channel,
  request: JoinRequest,
  clock: Clock,
  options: JoinerOptions,
): Promise<IssuerAnswer> {
  const { signal, onAdmitted } = options
  const framed = new FramedChannel(channel)
  const next = async (): Promise<JoinAnswer> => decodeJoinAnswer(await framed.read(JOIN_FRAME_MAX_BYTES, { signal }))
  const decide = async (): Promise<JoinAnswer> => {
    await framed.send(encodeJoinRequest(request), { signal })
    return next()
  }
  const decision = await withDeadline(decide(), {
    clock,
    timeoutMs: JOIN_DECISION_TIMEOUT_MS,
    what: 'the answer',
    signal,
  })
  if (decision.is === 'refused') throw refusedBy(decision)
  if (decision.is !== 'admitted') throw outOfOrder()
  onAdmitted()
  const timeoutMs = JOIN_MEMBERSHIP_TIMEOUT_MS
  const frames = await withDeadline(readControl(next), { clock, timeoutMs, what: 'the membership', signal })
  return { frames, peers: decision.peers }
}

async function readControl(next: () => Promise<JoinAnswer>): Promise<readonly Frame[]> {
  const frames: Frame[] = []
  let bytes = 0
  for (let answer = await next(); answer.is !== 'end'; answer = await next()) {
    if (answer.is !== 'control') throw outOfOrder()
    bytes += answer.frames.byteLength
    if (bytes > JOIN_ANSWER_MAX_BYTES)
      throw new SyncError('ERR_SYNC_MALFORMED', `it is longer than ${JOIN_ANSWER_MAX_BYTES} bytes`)
    frames.push(...decodeFrames(answer.frames))
  }
  return frames
}

function refusedBy({ code, message }: { readonly code: string; readonly message: string }): SyncError {
  const known = Object.entries(SENTENCES).find(([name]) => name === code) as
    | [JoinRefusalCode, readonly [reason: string, fix: string]]
    | undefined
  if (known === undefined) {
    // A sentence of a stranger: kept to plain characters, so that it cannot dress up as something else.
    const plain = message.replaceAll(/[^\p{L}\p{N}\p{P}\p{Zs}]/gu, ' ')
    return new SyncError('ERR_JOIN_REFUSED', `the issuer refused: ${plain}`)
  }
  const [reason, [sentence, fix]] = known
  return new SyncError('ERR_JOIN_REFUSED', `the join was refused: ${sentence}`, { reason, fix })
}

function outOfOrder(): SyncError {
  return new SyncError('ERR_SYNC_MALFORMED', 'its parts are out of order')
}
