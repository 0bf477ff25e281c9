import { bytesEqual, codeOf, hexOf, type Logger, reasonOf } from '../base/index.ts'
import type { KeyFile } from '../identity/index.ts'
import type { Spaces } from '../space/index.ts'

/** Whether another device key is to take over: then a peer has to begin anew with it. */
export function isRotation({ identity, next }: KeyFile): boolean {
  return next !== undefined && !bytesEqual(next.device.publicKey, identity.device.publicKey)
}

/** What no second attempt cures. Everything else, a full disk for one, is tried again at the next start. */
const FOR_GOOD: ReadonlySet<string> = new Set(['ERR_SPACE_ARGUMENT', 'ERR_SPACE_ROLE', 'ERR_WRITE_NOT_ALLOWED'])

/**
 * Hands the place of this device over to the next key in every space where that is not done yet; returns in how many it is. What has
 * the old key must not be used any more afterwards. May be cut short anywhere and begun again. A space that refuses for good
 * loses the device, so that the rest does not.
 */
export async function handOver({ next }: KeyFile, spaces: Spaces, log: Logger): Promise<number> {
  if (next === undefined) return 0
  for (const { id, self } of spaces.list()) {
    if (self === undefined) continue
    try {
      await spaces.rotateTo(id, next)
    } catch (error) {
      if (!FOR_GOOD.has(codeOf(error))) throw error
      log.warn({ space: id, code: codeOf(error), reason: reasonOf(error) }, 'a space does not take the new key')
    }
  }
  return spaces.list().filter(({ id }) => spaces.roleOf(id, next.device.peer) !== undefined).length
}

/** A linking that was cut short counts if what it brought had been stored; else nothing of it stays. */
export function settleLinking(keys: KeyFile, spaces: Spaces): void {
  const { next } = keys
  if (next === undefined || isRotation(keys)) return
  const principal = hexOf(next.principal)
  const isStored = spaces.list().some(({ self }) => self?.principal === principal)
  if (isStored) keys.takeOver()
  else keys.abandon()
}
