import type { PeerId } from '../base/index.ts'
import type { Group, LogRef } from './log-index.ts'
import type { Summaries } from './parity.ts'
import type { Claim, Range } from './wire.ts'

/** What an honest peer does not do: send what was not asked, more than was asked, less than it claimed, or nothing at all. */
export type Fault = 'unasked' | 'excess' | 'short' | 'silent'

export type CatchUpEvent =
  /** Compare all we hold with this peer. */
  | { readonly on: 'begin'; readonly peer: PeerId }
  /** The answer to `ask-hello`. */
  | { readonly on: 'hello'; readonly peer: PeerId; readonly theirs: Summaries }
  /** The answer to `ask-have`. */
  | { readonly on: 'have'; readonly peer: PeerId; readonly claims: readonly Claim[]; readonly more: boolean }
  /** The peer said what it holds: in a HELLO of its own, which was answered with what we hold, or in DONE. */
  | { readonly on: 'heard'; readonly peer: PeerId; readonly theirs: Summaries; readonly answered: boolean }
  /** The peer said unasked that some logs have grown. */
  | { readonly on: 'news'; readonly peer: PeerId; readonly claims: readonly Claim[] }
  /** Records before some that the peer sent are missing, or it holds another record where our head is. */
  | { readonly on: 'gap'; readonly peer: PeerId; readonly ranges: readonly Range[] }
  /** Frames for a WANT came and were dealt with. */
  | {
      readonly on: 'rec'
      readonly peer: PeerId
      readonly want: number
      readonly frames: number
      readonly stored: number
      readonly last: boolean
    }
  /** Something it sent shows that we lack control records. */
  | { readonly on: 'differs'; readonly peer: PeerId }
  /** Records came by themselves: we may be in step by it. */
  | { readonly on: 'grown' }
  | { readonly on: 'failed'; readonly peer: PeerId }
  /** The peer is no longer linked, a member, or trusted. */
  | { readonly on: 'gone'; readonly peer: PeerId }
  | { readonly on: 'tick' }

export type CatchUpEffect =
  | { readonly do: 'ask-hello'; readonly peer: PeerId }
  | { readonly do: 'ask-have'; readonly peer: PeerId; readonly group: Group; readonly after: LogRef | undefined }
  | { readonly do: 'send-want'; readonly peer: PeerId; readonly want: number; readonly ranges: readonly Range[] }
  | { readonly do: 'send-done'; readonly peer: PeerId }
  | { readonly do: 'retry-parked' }
  | { readonly do: 'blame'; readonly peer: PeerId; readonly fault: Fault }
  | { readonly do: 'tell-in-step'; readonly peer: PeerId; readonly received: number; readonly elapsedMs: number }
  | { readonly do: 'tell-ended'; readonly peer: PeerId; readonly completed: boolean }
