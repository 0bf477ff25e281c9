import { PlexusError } from '../base/index.ts'

export type CognitionErrorCode = 'ERR_NOT_FOUND' | 'ERR_CURSOR'

export class CognitionError extends PlexusError<CognitionErrorCode> {
  override readonly name = 'CognitionError'
}
