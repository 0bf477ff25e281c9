import { byteCount } from '../top/numbers.ts'
import { type Examination, fail, ok, warn } from './check.ts'

/** A write-ahead log that has not been folded in for long: somebody keeps an old state of the database open. */
const WAL_MAX_BYTES: number = 256 * 1024 * 1024

/** The database, with the daemon up or down. */
export const STORE_CHECKS: readonly Examination[] = [
  ({ store }) => {
    if (store === undefined) return undefined
    const fix =
      'Stop the daemon with `plexus down` and run `plexus repair`: what is lost comes back from the other members.'
    if ('error' in store) return fail('store', store.error, fix)
    const detail = `${byteCount(store.bytes)}, ${store.integrity}`
    return store.integrity === 'ok' ? ok('store', detail) : fail('store', detail, fix)
  },
  ({ store }) => {
    if (store === undefined || 'error' in store) return undefined
    const detail = byteCount(store.walBytes)
    if (store.walBytes <= WAL_MAX_BYTES) return ok('write-ahead log', detail)
    const fix = 'Close other programs that have plexus.db open, then restart with `plexus down` and `plexus up`.'
    return warn('write-ahead log', detail, fix)
  },
  ({ store, version }) => {
    if (store === undefined || 'error' in store) return undefined
    const newer = store.schemas.find(({ appVersion }) => isNewer(appVersion, version))
    if (newer === undefined) {
      return ok('schema', store.schemas.map((schema) => `${schema.module} ${schema.version}`).join(', ') || 'empty')
    }
    const detail = `${newer.module} ${newer.version} was written by Plexus ${newer.appVersion}, this is ${version}`
    return fail('schema', detail, `Install Plexus ${newer.appVersion} or newer.`)
  },
]

/** By the numbers of versions such as `1.2.3`; what comes after them does not count. */
function isNewer(version: string, than: string): boolean {
  const [left, right] = [version, than].map((text) => text.split(/[.+-]/).slice(0, 3).map(Number))
  for (let at = 0; at < 3; at++) {
    const difference = (left?.[at] || 0) - (right?.[at] || 0)
    if (difference !== 0) return difference > 0
  }
  return false
}
