/** Thoughts: shared as signed records, recalled by relevance. Usable without MCP. */
export {
  Cognition,
  type CognitionComponents,
  type CognitionEvents,
  cognition,
  type RecallAnswer,
} from './cognition.ts'
export { CognitionError, type CognitionErrorCode } from './errors.ts'
export type { RecallInput, ShareInput } from './inputs.ts'
export type { CognitionOperations } from './operations.ts'
export type { ThoughtReport } from './reports.ts'
export {
  LINK_RELATIONS,
  type LinkRelation,
  TEXT_MAX_CHARS,
  THOUGHT_KINDS,
  type Thought,
  type ThoughtBy,
  type ThoughtKind,
  type ThoughtLink,
} from './thought.ts'
export { COGNITION_KIND } from './thought-view.ts'
