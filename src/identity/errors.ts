import { PlexusError } from '../base/index.ts'

export type IdentityErrorCode =
  | 'ERR_KEY_PERMISSIONS'
  | 'ERR_KEY_CORRUPT'
  | 'ERR_KEY_UNREADABLE'
  | 'ERR_KEY_UNWRITABLE'
  | 'ERR_KEY_LINKED'
  | 'ERR_CERTIFICATE'
  | 'ERR_RECOVERY_PHRASE'

export class IdentityError extends PlexusError<IdentityErrorCode> {
  override readonly name = 'IdentityError'
}
