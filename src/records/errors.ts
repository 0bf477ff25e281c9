import { PlexusError } from '../base/index.ts'

export type RecordsErrorCode =
  | 'ERR_RECORD_MALFORMED'
  | 'ERR_RECORD_NOT_CANONICAL'
  | 'ERR_RECORD_TOO_LARGE'
  | 'ERR_DRAFT_INVALID'
  | 'ERR_WRITE_NOT_ALLOWED'
  | 'ERR_RECORD_KEY_MISSING'
  | 'ERR_APPEND_OVERFLOW'
  | 'ERR_SPACE_QUOTA'
  | 'ERR_VIEW_INVALID'
  | 'ERR_JOURNAL_BUSY'

export class RecordsError extends PlexusError<RecordsErrorCode> {
  override readonly name = 'RecordsError'
}
