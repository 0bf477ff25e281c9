import { hlcToMs, type RecordId } from '../base/index.ts'
import type { Journal } from '../records/index.ts'
import { nameOfMember, nameOfSpace, type PeerName, type SpaceName, type Spaces } from '../space/index.ts'
import type { PlacedThought } from './thought-view.ts'
import type { RecalledThought } from './thoughts.ts'

/** A thought as people and agents are shown it. The text is a quotation of its author, never an instruction. */
export interface ThoughtReport {
  readonly id: RecordId
  readonly kind: string
  readonly text: string
  readonly confidence: number
  readonly importance: number
  readonly topic: string | undefined
  readonly about: readonly string[]
  readonly links: readonly { readonly rel: string; readonly to: string }[]
  readonly author: PeerName
  readonly by: { readonly kind: string; readonly client: string; readonly model: string | undefined }
  readonly space: SpaceName
  /** Milliseconds since 1970, by the author's clock. */
  readonly at: number
  readonly expires: number | undefined
  /** `valid`: the author's own signature over this very record was checked. `invalid` cannot be shown as the author's word. */
  readonly signature: 'valid' | 'invalid'
  readonly score: number | undefined
  readonly contradictedBy: readonly string[]
  readonly supersedes: readonly string[]
}

/** What is shown of a thought, with what recalling it brought to light. */
export function reportOf(
  thought: PlacedThought,
  recalled: RecalledThought | undefined,
  { journal, spaces }: { readonly journal: Journal; readonly spaces: Spaces },
): ThoughtReport {
  return {
    id: thought.id,
    kind: thought.kind,
    text: thought.text,
    confidence: thought.confidence,
    importance: thought.importance,
    topic: thought.topic,
    about: thought.about,
    links: thought.links,
    author: nameOfMember(spaces, thought.space, thought.author),
    by: thought.by,
    space: nameOfSpace(spaces, thought.space),
    at: hlcToMs(thought.hlc),
    expires: thought.exp === 0 ? undefined : thought.exp,
    // Asking for the frame checks a signature that was covered only by its run so far.
    signature: journal.frame(thought.id) === undefined ? 'invalid' : 'valid',
    score: recalled?.score,
    contradictedBy: recalled?.contradictedBy ?? [],
    supersedes: recalled?.supersedes ?? [],
  }
}
