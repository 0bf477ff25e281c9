import { bytesOfHex, type Random } from '../../base/index.ts'
import { SEED_BYTES } from '../../identity/index.ts'
import { BOXES_MAX, type ControlFields, PREVIOUS_MAX } from '../control-records.ts'
import { boxOf, type EpochKey, sealPrevious } from './epoch-key.ts'
import type { KeyReader } from './keyring.ts'

export interface EpochAuthor {
  /** 32 bytes each. */
  readonly space: Uint8Array
  readonly author: Uint8Array
  readonly random: Random
}

/** The records that give a key to readers, and with it older keys: as few as hold all of it, at least one. */
export function epochBodies(
  { space, author, random }: EpochAuthor,
  epoch: EpochKey,
  given: { readonly readers: readonly KeyReader[]; readonly older: readonly EpochKey[] },
): readonly ControlFields['epoch'][] {
  const boxes = given.readers.map(({ device, sealing }) => {
    const place = { space, author, device: bytesOfHex(device) }
    return [device, boxOf(epoch, place, bytesOfHex(sealing), random.bytes(SEED_BYTES))] as const
  })
  const previous = given.older.map((key) => [key.n, key.id, sealPrevious(space, epoch, key)] as const)
  const count = Math.max(1, Math.ceil(boxes.length / BOXES_MAX), Math.ceil(previous.length / PREVIOUS_MAX))
  return Array.from({ length: count }, (_, at) => {
    const older = previous.slice(at * PREVIOUS_MAX, (at + 1) * PREVIOUS_MAX)
    return {
      n: epoch.n,
      key: epoch.id,
      boxes: boxes.slice(at * BOXES_MAX, (at + 1) * BOXES_MAX),
      ...(older.length === 0 ? {} : { previous: older }),
    }
  })
}
