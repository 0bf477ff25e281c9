import type { PeerId, SpaceId } from '../base/index.ts'
import { isSpaceId } from '../base/index.ts'
import type { Bus, Message, RequestContext } from '../bus/index.ts'
import type { Misconduct } from './conduct.ts'
import { SyncError } from './errors.ts'
import type { Serving } from './serving.ts'
import type { SpaceSync } from './space-sync.ts'
import { decodeHave, decodeHaveRequest, decodeHello, decodeRec, decodeWant, encodeHave, encodeHello } from './wire.ts'

/** What the handlers of incoming messages need to know. */
export interface Desk {
  readonly serving: Serving
  /** The space, if the peer is a member of it that may have records, and its lanes are up. */
  find(space: SpaceId, peer: PeerId): SpaceSync | undefined
  /** The same for what the peer published, which others may have brought. */
  findFor(space: SpaceId, author: PeerId): SpaceSync | undefined
  /** Whether we take anything from this peer at the moment. */
  hears(peer: PeerId): boolean
  blame(peer: PeerId, misconduct: Misconduct): void
}

const RECORDS_TOPICS = 'space/*/records'

/**
 * Answers and takes in what peers say about records, until disposed. Every message names its space, and is dropped unless its
 * sender is a member of that: questions get an error, everything else gets nothing.
 */
export function handleMessages(bus: Bus, desk: Desk): Disposable {
  const handlers = new DisposableStack()
  const answer = <T extends { readonly space: SpaceId }>(
    kind: string,
    decode: (body: Uint8Array) => T,
    reply: (space: SpaceSync, from: PeerId, question: T) => Uint8Array,
  ): void => {
    const respond = async (body: Uint8Array, { from }: RequestContext): Promise<Uint8Array> => {
      const question = decoded(desk, from, body, decode)
      if (question === undefined) throw new SyncError('ERR_SYNC_MALFORMED', 'the question cannot be read')
      const space = desk.find(question.space, from)
      if (space === undefined) throw new SyncError('ERR_SYNC_NOT_MEMBER', 'you are not a member of that space here')
      return reply(space, from, question)
    }
    handlers.use(bus.respond(kind, respond))
  }
  const take = <T extends { readonly space: SpaceId }>(
    kind: string,
    decode: (body: Uint8Array) => T,
    handle: (space: SpaceSync, from: PeerId, statement: T) => void | Promise<void>,
  ): void => {
    const receive = ({ from, body }: Message): void | Promise<void> => {
      const statement = decoded(desk, from, body, decode)
      const space = statement === undefined ? undefined : desk.find(statement.space, from)
      return statement === undefined || space === undefined ? undefined : handle(space, from, statement)
    }
    handlers.use(bus.receive(kind, receive))
  }

  answer('sync.hello', decodeHello, (space, from, hello) => {
    const ours = encodeHello(space.hello())
    if (desk.hears(from)) space.heard(from, hello, true)
    return ours
  })
  answer('sync.have', decodeHaveRequest, (space, _from, question) => encodeHave(space.have(question)))
  take('sync.want', decodeWant, (_space, from, want) => desk.serving.take(from, want))
  take('sync.rec', decodeRec, (space, from, rec) => (desk.hears(from) ? space.onRec(from, rec) : undefined))
  take('sync.done', decodeHello, (space, from, hello) =>
    desk.hears(from) ? space.heard(from, hello, false) : undefined,
  )
  take('sync.have', decodeHave, (space, from, have) => (desk.hears(from) ? space.onNews(from, have) : undefined))
  handlers.use(bus.subscribe(RECORDS_TOPICS, { kinds: ['record.live'] }, (message) => takeLive(desk, message)))
  handlers.use(
    bus.events.on('messages:missed', ({ group, from }) => {
      const space = group.split('/')[1] ?? ''
      if (isSpaceId(space)) desk.findFor(space, from)?.onMissed()
    }),
  )
  return handlers
}

function takeLive(desk: Desk, { topic, from, body }: Message): void {
  const space = topic.split('/')[1] ?? ''
  if (isSpaceId(space) && desk.hears(from)) desk.findFor(space, from)?.onLive(from, body)
}

function decoded<T>(desk: Desk, from: PeerId, body: Uint8Array, decode: (body: Uint8Array) => T): T | undefined {
  try {
    return decode(body)
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    desk.blame(from, 'malformed')
    return undefined
  }
}
