import { bytesEqual, hexOf } from '../base/index.ts'
import type { KeyFile } from '../identity/index.ts'
import type { Spaces } from '../space/index.ts'

/** Whether another device key is to take over: then a peer has to begin anew with it. */
export function isRotation({ identity, next }: KeyFile): boolean {
  return next !== undefined && !bytesEqual(next.device.publicKey, identity.device.publicKey)
}

/**
 * Hands the place of this device over to the next key in every space where that is not done yet. What has the old key must not be
 * used any more afterwards. May be cut short anywhere and begun again.
 */
export async function handOver({ next }: KeyFile, spaces: Spaces): Promise<void> {
  if (next === undefined) return
  for (const { id, self } of spaces.list()) if (self !== undefined) await spaces.rotateTo(id, next)
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
