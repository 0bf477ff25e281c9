import type { MessageHandler, Responder } from './types.ts'

/** What is done with the messages of others, by kind: registered together and removed together. */
export interface Handlers {
  /** Published on a topic of a space, `space/<id>/...`; several may handle one kind. */
  readonly published?: Readonly<Record<string, MessageHandler>>
  /** Sent to this peer alone; one handler per kind and peer. */
  readonly sent?: Readonly<Record<string, MessageHandler>>
  /** Asked of this peer; one responder per kind and peer. */
  readonly requested?: Readonly<Record<string, Responder>>
}
