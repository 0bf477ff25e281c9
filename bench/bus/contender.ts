/** Where one process can be reached. */
export type Addresses = readonly string[]

/** One process's end of some way to send messages; the same work is done with each. It ends with its process. */
export interface Contender {
  readonly addresses: Addresses
  /** Resolves when messages can go to and fro. */
  connect(peers: readonly Addresses[]): Promise<void>
  /** From now on what others publish is heard here. */
  subscribe(): Promise<void>
  /** A promise means that the sender should wait before the next. */
  publish(body: Uint8Array): Promise<unknown> | undefined
  /** Asks the first process that this one was connected to; it echoes. */
  request?(body: Uint8Array, options?: { readonly critical: boolean }): Promise<Uint8Array>
  /** The same as fast as the link takes it, behind everything else. */
  bulk?(body: Uint8Array): Promise<unknown> | undefined
}

/** What a contender calls for what arrives. */
export interface Ears {
  readonly onMessage: () => void
  readonly onBulk: (body: Uint8Array) => void
}

export const CONTENDERS = ['plexus', 'bare', 'plain', 'gossip-defaults', 'gossip-best', 'gossip-mesh', 'nats'] as const
export type ContenderName = (typeof CONTENDERS)[number]

/** Loads only what this contender needs: the memory and the start of each is its own. */
export async function join(name: ContenderName, ears: Ears): Promise<Contender> {
  switch (name) {
    case 'plexus':
      return (await import('./plexus.ts')).plexus(ears)
    case 'bare':
      return (await import('./bare.ts')).bare(ears, true)
    case 'plain':
      return (await import('./bare.ts')).bare(ears, false)
    case 'gossip-defaults':
      return (await import('./gossip.ts')).gossip(ears, 'defaults')
    case 'gossip-best':
      return (await import('./gossip.ts')).gossip(ears, 'best')
    case 'gossip-mesh':
      return (await import('./gossip.ts')).gossip(ears, 'mesh')
    case 'nats':
      return (await import('./nats.ts')).nats(ears)
  }
}
