import type { Component, Events, PeerId, SpaceId } from '../../base/index.ts'

/** What people are shown on the way. */
export type LinkStep =
  /** A secret: whoever has it may ask to be linked. */
  | { readonly is: 'ticket'; readonly ticket: string; readonly expires: number }
  | { readonly is: 'connected' }
  /** The name is chosen by the other device: untrusted text. */
  | { readonly is: 'words'; readonly words: readonly string[]; readonly peer: PeerId; readonly name: string }
  | { readonly is: 'confirmed'; readonly by: 'us' | 'them' }

export interface LinkReport {
  readonly peer: PeerId
  readonly name: string
  /** Whose device it is, or this one is now: 64 hexadecimal digits. */
  readonly principal: string
  readonly spaces: readonly SpaceId[]
}

export interface LinkOptions {
  /** What this device is called. */
  readonly name: string
  readonly signal?: AbortSignal
  readonly onStep?: (step: LinkStep) => void
}

export interface LinkOfferOptions extends LinkOptions {
  /** Where the new device may reach us, best first. */
  readonly addresses: readonly string[]
  readonly ttlMs?: number
}

export interface LinkingEvents {
  /** A linking ended; `outcome` is `linked` or why it failed. */
  'link:ended': { readonly peer: PeerId; readonly side: 'old' | 'new'; readonly outcome: string }
  'peer:addresses': { readonly peer: PeerId; readonly addresses: readonly string[] }
}

/** A second device for the same person (docs/specs/link.md). One at a time; whatever goes wrong leaves nothing behind. */
export interface Linking extends Component {
  readonly events: Events<LinkingEvents>
  /** Makes a ticket and waits for the new device. Rejects with `SyncError`: `ERR_LINK_*`; or with the signal's reason. */
  offer(options: LinkOfferOptions): Promise<LinkReport>
  /** Uses a ticket. Rejects with `SyncError`: `ERR_LINK_*`; or with the signal's reason. */
  link(ticket: string, options: LinkOptions): Promise<LinkReport>
  /**
   * The person says that the other screen shows these words. Others than those shown here end the linking on both sides. Throws
   * `ERR_LINK_NONE`, `ERR_LINK_WORDS`.
   */
  confirm(words: string): void
  /** The person says that it does not. */
  refuse(): void
  /** Whether the peer is being linked: it has business here although it is no member yet. */
  isGuest(peer: PeerId): boolean
}
