import type { PeerId } from '../base/index.ts'
import type { Question, Theirs } from './comparison.ts'
import type { LogRef } from './log-index.ts'
import type { RangeAnswer, SinceNews } from './range-wire.ts'
import type { Claim, Have, Range } from './wire.ts'

/**
 * What an honest peer does not do: send what was not asked, more than was asked, less than it claimed, or nothing at all;
 * answer in contradiction to what it said before.
 */
export type Fault = 'unasked' | 'excess' | 'short' | 'silent' | 'contradiction'

export type CatchUpEvent =
  /** Compare all we hold with this peer. `lately`: its lanes came up just now, and it may begin by itself. */
  | { readonly on: 'begin'; readonly peer: PeerId; readonly lately?: boolean }
  /** The answer to `ask-hello`. */
  | { readonly on: 'hello'; readonly peer: PeerId; readonly theirs: Theirs }
  /** Answers to questions. */
  | { readonly on: 'since'; readonly peer: PeerId; readonly news: SinceNews | undefined }
  | ({ readonly on: 'have'; readonly peer: PeerId } & Pick<Have, 'claims' | 'more' | 'fingerprint'>)
  | { readonly on: 'range'; readonly peer: PeerId; readonly answer: RangeAnswer }
  /** Fork proofs came and were dealt with; `after` is the log of the last. */
  | { readonly on: 'forks'; readonly peer: PeerId; readonly more: boolean; readonly after: LogRef | undefined }
  /** The peer said what it holds: in a HELLO of its own, which was answered with what we hold, or in DONE. */
  | { readonly on: 'heard'; readonly peer: PeerId; readonly theirs: Theirs; readonly answered: boolean }
  /** The peer said unasked that some logs have grown, or how it is ahead of us. */
  | { readonly on: 'news'; readonly peer: PeerId; readonly claims: readonly Claim[]; readonly more: boolean }
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
  /** Membership changed: what could not be had may be had now. */
  | { readonly on: 'members' }
  | { readonly on: 'failed'; readonly peer: PeerId }
  /** The peer is no longer linked, a member, or trusted. */
  | { readonly on: 'gone'; readonly peer: PeerId }
  | { readonly on: 'tick' }

export type CatchUpEffect =
  | { readonly do: 'ask-hello'; readonly peer: PeerId }
  | Question
  | {
      readonly do: 'send-want'
      readonly peer: PeerId
      readonly want: number
      readonly headersOnly: boolean
      readonly ranges: readonly Range[]
    }
  /** Tell the peer how far we hold these logs. */
  | { readonly do: 'send-news'; readonly peer: PeerId; readonly logs: readonly LogRef[] }
  | { readonly do: 'send-done'; readonly peer: PeerId }
  | { readonly do: 'retry-parked' }
  /** All that the peer had stored up to `rid` is held here. */
  | { readonly do: 'keep-cursor'; readonly peer: PeerId; readonly storeId: Uint8Array; readonly rid: number }
  | { readonly do: 'blame'; readonly peer: PeerId; readonly fault: Fault }
  | { readonly do: 'tell-in-step'; readonly peer: PeerId; readonly received: number; readonly elapsedMs: number }
  | { readonly do: 'tell-ended'; readonly peer: PeerId; readonly completed: boolean }
