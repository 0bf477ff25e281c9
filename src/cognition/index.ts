/** Thoughts: shared as signed records, recalled by relevance. Usable without MCP. */
export {
  Cognition,
  type CognitionComponents,
  type CognitionEvents,
  cognition,
  type RecallAnswer,
  type RecallInput,
  type ShareInput,
  type ThoughtReport,
} from './cognition.ts'
export {
  CognitionError,
  type CognitionErrorCode,
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
