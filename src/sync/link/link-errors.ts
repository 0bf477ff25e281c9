import { SyncError, type SyncErrorCode } from '../errors.ts'
import type { LinkOutcome } from './link-host.ts'
import type { LinkRefusal } from './link-wire.ts'

type Failure = Extract<LinkOutcome, { readonly is: 'failed' }>

const AGAIN = 'Nothing was changed on either device. Begin again with `plexus link` on the old one.'
const CHECK =
  'Somebody may stand between the two devices. Nothing was changed on either. Begin again with a new ticket, over another network.'

/** What people are told: what happened here, what the other device says happened there, what to do. */
const SENTENCES: Readonly<Record<LinkRefusal | 'lost', readonly [SyncErrorCode, string, string, string]>> = {
  refused: [
    'ERR_LINK_REFUSED',
    'the words were not confirmed here',
    'the words were not confirmed on the other device',
    AGAIN,
  ],
  words: [
    'ERR_LINK_WORDS',
    'the words given are not the words that this device shows',
    'the other device shows other words than this one',
    CHECK,
  ],
  late: ['ERR_LINK_LATE', 'it took too long', 'it took too long for the other device', AGAIN],
  ticket: [
    'ERR_LINK_TICKET',
    'the request does not prove that its sender holds the ticket',
    'the other device made no such ticket, or it was used already or has expired',
    AGAIN,
  ],
  protocol: [
    'ERR_LINK_FAILED',
    'the other device sent something that does not belong in a linking',
    'the other device did not understand this one',
    'Nothing was changed on either device. Use the same version of Plexus on both.',
  ],
  failed: [
    'ERR_LINK_FAILED',
    'a step failed on this device',
    'a step failed on the other device',
    'Nothing was changed on either device. See `plexus doctor` on the one that failed.',
  ],
  lost: ['ERR_LINK_LOST', 'the connection was lost', 'the connection was lost', AGAIN],
}

export function linkError({ why, by }: Failure, cause?: unknown): SyncError {
  const [code, here, there, fix] = SENTENCES[why]
  const detail = cause instanceof Error ? `: ${cause.message}` : ''
  return new SyncError(code, `the devices were not linked: ${by === 'us' ? here : there}${detail}`, { cause, fix })
}

export function noLinking(): SyncError {
  return new SyncError('ERR_LINK_NONE', 'no words wait to be confirmed on this device', {
    fix: 'Begin with `plexus link` on the old device, and use its ticket on the new one.',
  })
}

export function linkBusy(): SyncError {
  return new SyncError('ERR_LINK_BUSY', 'this device is being linked already', {
    fix: 'Finish it where it was begun, or end it there with Ctrl-C.',
  })
}
