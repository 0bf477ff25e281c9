/**
 * Layer 3: spaces and who belongs to them. Membership is evaluated from signed control records; tickets let others in.
 */
export { decodeBase32, encodeBase32 } from './base32.ts'
export {
  type ControlBody,
  type ControlFields,
  type ControlRecord,
  type ControlType,
  type Cut,
  type GrantableRole,
  LEVEL_MAX,
  readControl,
  SPACE_NAME_MAX_CHARS,
  writeControl,
} from './control-records.ts'
export { deviceProof, isDeviceProof } from './device-proof.ts'
export {
  announcedWindows,
  contentKey,
  DISCOVERY_OVERLAP_MS,
  DISCOVERY_WINDOW_MS,
  discoverySecret,
  discoveryWindow,
  memberKey,
} from './discovery-keys.ts'
export { SpaceError, type SpaceErrorCode } from './errors.ts'
export type { InviteStanding, Said } from './hearing.ts'
export { KeyRenewal, type KeyRenewalComponents } from './keys/key-renewal.ts'
export { spaceSchema } from './keys/key-table.ts'
export { evaluateMembership, type Membership, type Standing } from './membership.ts'
export {
  chosenSpace,
  defaultSpace,
  nameOfMember,
  nameOfSpace,
  type PeerName,
  type SpaceName,
  spaceCalled,
} from './naming.ts'
export { isAtLeast } from './roles.ts'
export { controlRecordOf, type SpaceState } from './space-state.ts'
export { createSpaces, type SpacesComponents, type SpacesInit } from './spaces.ts'
export { formatTicket, parseTicket, TICKET_MAX_ADDRESSES, TICKET_MAX_CHARS } from './tickets.ts'
export {
  type AcceptOptions,
  type BranchChoice,
  CONTROL_KIND,
  type CreateOptions,
  type DeviceAdmission,
  type ForkBranch,
  type ForkInfo,
  type FormerMember,
  INVITE_DEFAULT_TTL_MS,
  INVITE_MAX_USES,
  type Invite,
  type InviteOptions,
  type JoinOutcome,
  type JoinRefusal,
  type JoinRequest,
  type KeyFigures,
  type KeysDue,
  type Member,
  type Removal,
  ROLES,
  type Role,
  type SpaceEvents,
  type SpaceInfo,
  type Spaces,
  TICKET_PREFIX,
  type Ticket,
} from './types.ts'
