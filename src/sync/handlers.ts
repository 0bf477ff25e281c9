import type { PeerId, SpaceId } from '../base/index.ts'
import { isSpaceId } from '../base/index.ts'
import type { Bus, Message, RequestContext } from '../bus/index.ts'
import type { Misconduct } from './conduct.ts'
import { SyncError } from './errors.ts'
import { decodeForksRequest, encodeForks } from './fork-wire.ts'
import { decodeRangeRequest, decodeSinceRequest, encodeRangeAnswer, encodeSinceAnswer } from './range-wire.ts'
import type { Serving } from './serving.ts'
import type { SpaceSync } from './space-sync.ts'
import {
  decodeBodiesRequest,
  decodeHave,
  decodeHaveRequest,
  decodeHello,
  decodeRec,
  decodeWant,
  encodeBodies,
  encodeHave,
  encodeHello,
} from './wire.ts'

/** What the handlers of incoming messages need to know. */
export interface Desk {
  readonly serving: Serving
  /** The space, if the peer is a member of it that may have records, and its lanes are up. */
  find(space: SpaceId, peer: PeerId): SpaceSync | undefined
  /** The same for what the peer published, which others may have brought. */
  findFor(space: SpaceId, author: PeerId): SpaceSync | undefined
  /** Whether the peer may make us work so much more now. */
  mayAsk(peer: PeerId, cost: number): boolean
  /** Whether we take anything from this peer at the moment. */
  hears(peer: PeerId): boolean
  blame(peer: PeerId, misconduct: Misconduct): void
  /** The peer speaks another version of the protocol. */
  noteVersion(peer: PeerId): void
}

const RECORDS_TOPICS = 'space/*/records'
/** What a question costs beside one for HELLO: a page is thousands of logs, or of records. */
const PAGE_COST = 4
const RANGES_PER_COST = 32

/**
 * Answers and takes in what peers say about records, until disposed. Every message names its space, and is dropped unless its
 * sender is a member of that: questions get an error, everything else gets nothing.
 */
export function handleMessages(bus: Bus, desk: Desk): Disposable {
  const handlers = new DisposableStack()
  answerQuestions(bus, desk, handlers)
  const take = <T extends { readonly space: SpaceId }>(
    kind: string,
    decode: (body: Uint8Array) => T,
    handle: (space: SpaceSync, from: PeerId, statement: T) => void | Promise<void>,
  ): void => {
    const receive = ({ from, body }: Message): void | Promise<void> => {
      const statement = decoded(desk, from, body, decode)
      if (statement instanceof SyncError) return undefined
      const space = desk.find(statement.space, from)
      return space === undefined ? undefined : handle(space, from, statement)
    }
    handlers.use(bus.receive(kind, receive))
  }
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

function answerQuestions(bus: Bus, desk: Desk, handlers: DisposableStack): void {
  const answer = <Q extends { readonly space: SpaceId }, A>(
    kind: string,
    decode: (body: Uint8Array) => Q,
    reply: (space: SpaceSync, from: PeerId, question: Q) => A,
    encode: (answer: A) => Uint8Array,
    costOf: (question: Q) => number,
  ): void => {
    const respond = async (body: Uint8Array, { from }: RequestContext): Promise<Uint8Array> => {
      const question = decoded(desk, from, body, decode)
      if (question instanceof SyncError) throw question
      const space = desk.find(question.space, from)
      if (space === undefined) throw new SyncError('ERR_SYNC_NOT_MEMBER', 'you are not a member of that space here')
      if (!desk.mayAsk(from, costOf(question))) throw new SyncError('ERR_SYNC_BUSY', 'too many questions')
      return encode(reply(space, from, question))
    }
    handlers.use(bus.respond(kind, respond))
  }
  const page = (): number => PAGE_COST
  const greet = (space: SpaceSync, from: PeerId, hello: ReturnType<typeof decodeHello>): typeof hello => {
    const ours = space.answering.hello(from)
    if (desk.hears(from)) space.heard(from, hello, true)
    return ours
  }
  answer('sync.hello', decodeHello, greet, encodeHello, () => 1)
  answer('sync.have', decodeHaveRequest, ({ answering }, from, ask) => answering.have(from, ask), encodeHave, page)
  answer(
    'sync.since',
    decodeSinceRequest,
    ({ answering }, from, ask) => answering.since(from, ask),
    encodeSinceAnswer,
    page,
  )
  answer(
    'sync.range',
    decodeRangeRequest,
    ({ answering }, from, ask) => answering.range(from, ask),
    encodeRangeAnswer,
    ({ nodes }) => 1 + Math.floor(nodes.length / RANGES_PER_COST),
  )
  answer('sync.forks', decodeForksRequest, ({ answering }, _from, ask) => answering.forksPage(ask), encodeForks, page)
  answer(
    'sync.bodies',
    decodeBodiesRequest,
    ({ answering }, from, ask) => answering.bodies(from, ask),
    encodeBodies,
    page,
  )
}

function takeLive(desk: Desk, { topic, from, body }: Message): void {
  const space = topic.split('/')[1] ?? ''
  if (isSpaceId(space) && desk.hears(from)) desk.findFor(space, from)?.onLive(from, body)
}

/** Another version of the protocol is no fault of the peer. */
function decoded<T>(desk: Desk, from: PeerId, body: Uint8Array, decode: (body: Uint8Array) => T): T | SyncError {
  try {
    return decode(body)
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    if (error.code === 'ERR_SYNC_MALFORMED') desk.blame(from, 'malformed')
    else desk.noteVersion(from)
    return error
  }
}
