import { bytesOfHex, keyOfPeerId } from '../base/index.ts'
import type { SqlValue } from '../store/index.ts'
import { LOG_CLASS, type RecordQuery } from './types.ts'

/** The most records one query returns. */
export const QUERY_MAX_RECORDS = 1_000

/** Conditions on `record r` in SQL. */
export function queryConditions(query: RecordQuery): { readonly where: string; readonly params: readonly SqlValue[] } {
  const where = ['r.rid > ?']
  const params: SqlValue[] = [query.afterRid ?? 0]
  if (query.kinds !== undefined) {
    where.push(`r.kind IN (${query.kinds.map(() => '?').join(', ')})`)
    params.push(...query.kinds)
  }
  const logs = logConditions(query)
  if (logs.where.length > 0) {
    // Control logs are short: they are read whole and sorted. For all others the plus makes SQLite walk in storage order.
    const log = query.class === LOG_CLASS.control ? 'r.log' : '+r.log'
    where.push(`${log} IN (SELECT n FROM log WHERE ${logs.where.join(' AND ')})`)
    params.push(...logs.params)
  }
  return { where: where.join(' AND '), params }
}

function logConditions(query: RecordQuery): { readonly where: string[]; readonly params: SqlValue[] } {
  const where: string[] = []
  const params: SqlValue[] = []
  const add = (condition: string, param: SqlValue): void => {
    where.push(condition)
    params.push(param)
  }
  if (query.space !== undefined) add('space = (SELECT n FROM space WHERE id = ?)', bytesOfHex(query.space))
  if (query.class !== undefined) add('class = ?', query.class)
  if (query.author !== undefined) add('device = ?', keyOfPeerId(query.author))
  return { where, params }
}
