/**
 * Layer 4, the beam between the pillars: live spreading and catch-up of records over the bus, and the way in for new members
 * (docs/specs/sync.md, docs/specs/join.md).
 */
export { type JoinRefusalCode, SyncError, type SyncErrorCode } from './errors.ts'
export { JOIN_PROTOCOL } from './join/join-wire.ts'
export { LINK_PROTOCOL } from './link/link-wire.ts'
export { createLinking, LINK_TICKET_TTL_MS, type LinkingComponents } from './link/linking.ts'
export type {
  Linking,
  LinkingEvents,
  LinkOfferOptions,
  LinkOptions,
  LinkReport,
  LinkStep,
} from './link/types.ts'
export { createStanding, type StandingComponents } from './standing/standing.ts'
export { STANDING_PROTOCOL } from './standing/standing-wire.ts'
export type { Standing, StandingEvents } from './standing/types.ts'
export { createSync, type SyncComponents, type SyncInit } from './sync.ts'
export { syncSchema } from './sync-store.ts'
export type { JoinOptions, JoinReport, JoinStep, Replication, SpaceProgress, Sync, SyncEvents } from './types.ts'
export type { Keeping, Range } from './wire.ts'
