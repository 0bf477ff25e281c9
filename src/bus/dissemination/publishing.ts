import type { PeerId } from '../../base/index.ts'
import type { OpenTopics } from '../../network/index.ts'
import { BusError } from '../errors.ts'
import { DIRECT_MEMBERS_MAX } from '../limits.ts'
import { isOpenTopic } from '../topics.ts'
import type { Dispatch, Dissemination, Draft } from './dissemination.ts'
import { Lanes } from './lanes.ts'
import { OpenMesh } from './open-mesh.ts'
import { Tree, type TreeComponents } from './tree.ts'

export interface PublishingInit {
  /** Members of a group, besides us, whom we reach directly. */
  readonly directMembersMax?: number | undefined
  /** Without it there are no open topics. */
  readonly openTopics: OpenTopics | undefined
}

/** Brings what we publish on its way: straight, along a tree, or to whoever listens. */
export class Publishing {
  readonly lanes: Lanes
  readonly tree: Tree
  readonly #mesh: OpenMesh | undefined
  readonly #ways: readonly Dissemination[]
  readonly #directMembersMax: number
  readonly #use: TreeComponents

  constructor({ directMembersMax = DIRECT_MEMBERS_MAX, openTopics }: PublishingInit, components: TreeComponents) {
    this.#use = components
    this.#directMembersMax = directMembersMax
    this.lanes = new Lanes(components)
    this.tree = new Tree(components)
    this.#mesh = openTopics === undefined ? undefined : new OpenMesh({ ...components, openTopics })
    this.#ways = [this.lanes, this.tree, ...(this.#mesh === undefined ? [] : [this.#mesh])]
  }

  get figures(): Readonly<Record<string, number>> {
    return { ...this.tree.figures, ...this.#mesh?.figures }
  }

  start(): void {
    this.#mesh?.start()
  }

  publish(draft: Draft): Dispatch | Promise<Dispatch> {
    const { topic } = draft
    if (isOpenTopic(topic)) return this.#openWay(topic).publish(draft, topic)
    const group = this.#use.admission.groupOf?.(topic) ?? topic
    return this.#wayTo(group).publish(draft, group)
  }

  welcome(peer: PeerId): void {
    for (const way of this.#ways) way.welcome(peer)
  }

  farewell(peer: PeerId): void {
    for (const way of this.#ways) way.farewell(peer)
  }

  reconsider(): void {
    for (const way of this.#ways) way.reconsider()
  }

  keepHouse(): void {
    for (const [peer, dialogue] of this.#use.dialogues) {
      if (dialogue.expire()) for (const way of this.#ways) way.lapsed(peer)
    }
    for (const way of this.#ways) way.keepHouse()
    this.#use.missed.flush()
  }

  stop(): void {
    for (const way of this.#ways) way.stop()
  }

  /** Along a tree if there are many members, and directly if there are few or we do not know them. */
  #wayTo(group: string): Dissemination {
    const members = this.#use.admission.membersOf?.(group)
    const others = members === undefined ? 0 : members.size - 1
    return others > this.#directMembersMax && this.#use.seals.signer !== undefined ? this.tree : this.lanes
  }

  #openWay(topic: string): Dissemination {
    if (this.#mesh?.carries(topic) === true) return this.#mesh
    throw new BusError('ERR_TOPIC_INVALID', `${JSON.stringify(topic)} is not an open topic of this peer`, {
      fix: 'Name it in `openTopics` when the node is made, or use a topic that does not begin with "open".',
    })
  }
}
