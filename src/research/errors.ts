import { PlexusError } from '../base/index.ts'

export type ResearchErrorCode =
  | 'ERR_FILE_UNREADABLE'
  | 'ERR_PAPER_INVALID'
  | 'ERR_PAPER_UNKNOWN'
  | 'ERR_PAPER_QUERY'
  | 'ERR_RESEARCH_WIRE'

export class ResearchError extends PlexusError<ResearchErrorCode> {
  override readonly name = 'ResearchError'
}
