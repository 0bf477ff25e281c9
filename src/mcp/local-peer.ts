import { abortable, type Clock, type OperationContext, PlexusError, reasonOf, systemClock } from '../base/index.ts'
import { ControlClient, ControlError, ensureDaemon, profileOf } from '../control/index.ts'
import type { NodeStatus } from '../node/index.ts'
import type { PlexusPeer } from './peer.ts'

/** After a failure to start the daemon, how long calls are answered with it before one tries again; doubled each time. */
export const RETRY_FIRST_MS = 1_000
export const RETRY_MAX_MS = 30_000

export interface LocalPeerInit {
  /** Which peer of this machine. Default: PLEXUS_PROFILE, else `default`. */
  readonly profile?: string | undefined
}

/** A conversation with a daemon, as `ControlClient` is one. */
export type Conversation = Pick<ControlClient, 'call' | 'closed'> & Disposable

export interface LocalPeerComponents {
  /** Begins a conversation with the daemon, starting it when it does not run. */
  readonly ensure: () => Promise<Conversation>
  /** Begins one with the daemon if it runs. */
  readonly find: () => Promise<Conversation | undefined>
  readonly clock: Clock
}

/** The peer of this user and machine, behind its daemon. Share it between the servers of one process. */
export function localPeer(init: LocalPeerInit = {}): LocalPeer {
  const background = { background: true }
  return new LocalPeer({
    ensure: async () => await ensureDaemon(profileOf(init.profile), background),
    find: async () => await ControlClient.open(profileOf(init.profile), background),
    clock: systemClock(),
  })
}

/**
 * Holds one conversation with the daemon, which keeps no process alive. A call begins it, and again after it was lost. Where that
 * fails, calls are answered with the reason, and only at growing intervals does one of them try again.
 */
export class LocalPeer implements PlexusPeer, Disposable {
  readonly #components: LocalPeerComponents
  #conversation: Promise<Conversation> | undefined
  #callsUnderWay = 0
  /** Nobody needs the conversation once these calls are answered. */
  #isReleased = false
  /** `until` is on the monotonic clock. */
  #failure: { readonly error: PlexusError; readonly waitMs: number; readonly until: number } | undefined

  constructor(components: LocalPeerComponents) {
    this.#components = components
  }

  /** Begins the conversation before anybody needs it. Rejects with why it cannot. */
  async open(): Promise<void> {
    await this.#converse()
  }

  async call(operation: string, input: unknown, context: Partial<OperationContext> = {}): Promise<unknown> {
    const { caller, signal, progress, trace } = context
    const agent = caller?.kind === 'agent' ? caller.client : undefined
    this.#isReleased = false
    this.#callsUnderWay++
    try {
      const conversation = await abortable(this.#converse(), signal)
      return await conversation.call(operation, input, { signal, onProgress: progress, agent, trace })
    } finally {
      this.#callsUnderWay--
      if (this.#isReleased) this.#end()
    }
  }

  async status(): Promise<NodeStatus> {
    if (this.#conversation !== undefined) return await statusOf(await this.#conversation)
    using found = await this.#components.find()
    if (found !== undefined) return await statusOf(found)
    const fix = 'The next call starts it, or `plexus up`.'
    throw this.#failure?.error ?? new ControlError('ERR_DAEMON_NOT_RUNNING', 'no daemon runs for this profile', { fix })
  }

  /** Ends the conversation once what is under way is answered; a later call begins another. */
  [Symbol.dispose](): void {
    this.#isReleased = true
    this.#end()
  }

  #end(): void {
    if (this.#callsUnderWay > 0) return
    const ended = this.#conversation
    this.#conversation = undefined
    // One that did not begin needs no end.
    ended?.then((conversation) => conversation[Symbol.dispose]()).catch(() => undefined)
  }

  #converse(): Promise<Conversation> {
    if (this.#conversation !== undefined) return this.#conversation
    const begun = this.#begin()
    this.#conversation = begun
    const forget = (): void => {
      if (this.#conversation === begun) this.#conversation = undefined
    }
    begun.then((conversation) => conversation.closed).then(forget, forget)
    return begun
  }

  async #begin(): Promise<Conversation> {
    const { ensure, clock } = this.#components
    const failure = this.#failure
    if (failure !== undefined && clock.monotonic() < failure.until) throw failure.error
    try {
      const conversation = await ensure()
      this.#failure = undefined
      return conversation
    } catch (cause) {
      const waitMs = failure === undefined ? RETRY_FIRST_MS : Math.min(failure.waitMs * 2, RETRY_MAX_MS)
      const error = cause instanceof PlexusError ? cause : notStarted(cause)
      this.#failure = { error, waitMs, until: clock.monotonic() + waitMs }
      throw error
    }
  }
}

async function statusOf(conversation: Conversation): Promise<NodeStatus> {
  return (await conversation.call('node.status', {})) as NodeStatus
}

function notStarted(cause: unknown): ControlError {
  const fix = 'See what `plexus doctor` says.'
  return new ControlError('ERR_DAEMON_START', `the daemon did not start: ${reasonOf(cause)}`, { cause, fix })
}
