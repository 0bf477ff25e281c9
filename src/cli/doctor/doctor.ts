import type { Profile } from '../../control/index.ts'
import type { Check } from './check.ts'
import { componentChecks, DAEMON_CHECKS, PROCESS_CHECKS } from './daemon-checks.ts'
import type { Facts } from './facts.ts'
import { gatherFacts } from './gather.ts'
import { MACHINE_CHECKS } from './machine-checks.ts'
import { STORE_CHECKS } from './store-checks.ts'

/** What all the checks find in these facts. Pure. */
export function checksOf(facts: Facts): readonly Check[] {
  const found = [...MACHINE_CHECKS, ...STORE_CHECKS, ...PROCESS_CHECKS, ...DAEMON_CHECKS].flatMap(
    (check) => check(facts) ?? [],
  )
  return [...found, ...(typeof facts.daemon === 'object' ? componentChecks(facts.daemon) : [])]
}

/** Looks at everything that can be looked at, with the daemon's help when it runs. Never throws for a finding. */
export async function examine(profile: Profile, signal: AbortSignal): Promise<readonly Check[]> {
  return checksOf(await gatherFacts(profile, signal))
}
