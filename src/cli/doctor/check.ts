import type { Facts } from './facts.ts'

export type CheckState = 'ok' | 'warn' | 'fail'

/** What a check found. */
export interface Check {
  readonly name: string
  readonly state: CheckState
  readonly detail: string
  /** Present whenever the state is not `ok`. */
  readonly fix?: string
}

/** Looks at facts and says what it finds; nothing where it does not apply, e.g. without a daemon. Pure. */
export type Examination = (facts: Facts) => Check | undefined

export function ok(name: string, detail: string): Check {
  return { name, state: 'ok', detail }
}

export function warn(name: string, detail: string, fix: string): Check {
  return { name, state: 'warn', detail, fix }
}

export function fail(name: string, detail: string, fix: string): Check {
  return { name, state: 'fail', detail, fix }
}
