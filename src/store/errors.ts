import { PlexusError } from '../base/index.ts'

export type StoreErrorCode =
  | 'ERR_STORE_FULL'
  | 'ERR_STORE_LOCKED'
  | 'ERR_STORE_CORRUPT'
  | 'ERR_STORE_READ_ONLY'
  | 'ERR_STORE_NEWER'
  | 'ERR_STORE_CLOSED'
  | 'ERR_STORE_FAILED'
  | 'ERR_PROFILE_LOCKED'
  | 'ERR_SEARCH_OVERLOADED'
  | 'ERR_SEARCH_TIMEOUT'
  | 'ERR_SEARCH_FAILED'

export class StoreError extends PlexusError<StoreErrorCode> {
  override readonly name = 'StoreError'
}
