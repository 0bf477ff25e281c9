import { z } from 'zod'
import {
  type Clock,
  type Operation,
  type OperationType,
  operationOf,
  type PeerId,
  type SpaceId,
} from '../base/index.ts'
import { LINK_TICKET_TTL_MS, type LinkReport, type LinkStep, type Sync, SyncError } from '../sync/index.ts'
import { handOver, isRotation } from './key-change.ts'
import { assertPerson } from './people.ts'
import { stepsOf } from './steps.ts'
import type { PlexusNode } from './types.ts'

/** How long a device that was just linked waits for the records of its spaces; what is missing then keeps coming. */
export const LINK_IN_STEP_TIMEOUT_MS = 30_000

/** The last of the steps. */
export interface LinkedStep extends LinkReport {
  readonly is: 'linked'
  readonly records: number
}

export interface RotateReport {
  readonly from: PeerId
  readonly to: PeerId
  /** In how many spaces the place was handed over. */
  readonly spaces: number
  /** Until it has started anew, this peer is nobody. */
  readonly restart: true
}

type LinkSteps = AsyncIterable<LinkStep | LinkedStep>

export interface DeviceOperations {
  readonly 'link.offer': OperationType<{ readonly ttlMs?: number | undefined }, LinkSteps>
  readonly 'link.use': OperationType<{ readonly ticket: string }, LinkSteps>
  readonly 'link.confirm': OperationType<{ readonly words: string }, { readonly confirmed: true }>
  readonly 'link.refuse': OperationType<object, { readonly refused: true }>
  readonly 'identity.rotate': OperationType<object, RotateReport>
}

const operation = operationOf<DeviceOperations>()

/** Devices and keys of this person. For people: no MCP tool calls these. */
export function deviceOperations(node: PlexusNode): readonly Operation[] {
  const { linking, keys, spaces, name } = node
  return [
    operation({
      name: 'link.offer',
      summary: 'Make a ticket for a second device, and wait for it',
      input: z.object({
        ttlMs: z
          .int()
          .min(1_000)
          .max(24 * 3_600_000)
          .default(LINK_TICKET_TTL_MS),
      }),
      run: async ({ ttlMs }, context) => {
        assertPerson(context)
        const addresses = node.transport.addresses()
        return stepsOf<LinkStep, LinkedStep>(context.signal, async (onStep, signal) =>
          linked(node, await linking.offer({ name, addresses, ttlMs, onStep, signal })),
        )
      },
    }),
    operation({
      name: 'link.use',
      summary: 'Become a second device of whoever made the ticket',
      input: z.object({ ticket: z.string().min(1).max(4_096) }),
      run: async ({ ticket }, context) => {
        assertPerson(context)
        return stepsOf<LinkStep, LinkedStep>(context.signal, async (onStep, signal) => {
          const report = await linking.link(ticket.trim(), { name, onStep, signal })
          await inStep(node, report, signal)
          return linked(node, report)
        })
      },
    }),
    operation({
      name: 'link.confirm',
      summary: 'Say that the other screen shows these six words',
      input: z.object({ words: z.string().min(1).max(200) }),
      run: async ({ words }, context) => {
        assertPerson(context)
        linking.confirm(words)
        return { confirmed: true }
      },
    }),
    operation({
      name: 'link.refuse',
      summary: 'Say that it does not',
      input: z.object({}),
      run: async (_, context) => {
        assertPerson(context)
        linking.refuse()
        return { refused: true }
      },
    }),
    operation({
      name: 'identity.rotate',
      summary: 'Give this device a new key; it takes over when the peer starts anew',
      input: z.object({}),
      run: async (_, context) => {
        assertPerson(context)
        if (keys.next !== undefined && !isRotation(keys)) throw busy()
        const next = keys.next ?? keys.prepareRotation()
        const count = await handOver(keys, spaces, node.log)
        await node.standing.told()
        return { from: node.peer, to: next.device.peer, spaces: count, restart: true }
      },
    }),
  ]
}

function busy(): SyncError {
  return new SyncError('ERR_LINK_BUSY', 'this device is being linked', {
    fix: 'Finish that first, or end it with Ctrl-C.',
  })
}

function linked({ journal }: PlexusNode, report: LinkReport): LinkedStep {
  return { is: 'linked', ...report, records: journal.figures().records ?? 0 }
}

/** Until the device that vouched for us has given us all that it has, or for half a minute. */
async function inStep(
  { sync, clock }: { sync: Sync; clock: Clock },
  { peer, spaces }: LinkReport,
  asked: AbortSignal,
): Promise<void> {
  const late = new AbortController()
  using _timer = clock.setTimer(LINK_IN_STEP_TIMEOUT_MS, () => late.abort())
  const signal = AbortSignal.any([asked, late.signal])
  const isThere = (space: SpaceId): boolean =>
    sync.progress().some((progress) => progress.space === space && progress.inStepWith.includes(peer))
  for (const space of spaces) {
    if (isThere(space)) continue
    const matches = (event: { readonly space: SpaceId; readonly peer: PeerId }): boolean =>
      isThere(space) || (event.space === space && event.peer === peer)
    await sync.events.next('space:in-step', { signal, matches }).catch(() => undefined)
  }
}
