import { isPeerId, type PeerId } from '../base/index.ts'
import type { Bus } from '../bus/index.ts'
import { createLinking, type Linking, type LinkingComponents } from '../sync/index.ts'
import type { Settings } from './address-book.ts'

/** The setting that names the device that is being admitted, should the process end meanwhile. */
const UNFINISHED_SETTING = 'linking'

/** Linking, with what the rest of a node has for it. */
export function nodeLinking(
  components: Omit<LinkingComponents, 'appears' | 'unfinished'> & { readonly bus: Bus; readonly settings: Settings },
): Linking {
  const { bus, settings, ...rest } = components
  return createLinking()({
    ...rest,
    appears: (peer, signal) => lanesOf(bus, peer, signal),
    unfinished: {
      get: () => {
        const device = settings.setting(UNFINISHED_SETTING) ?? ''
        return isPeerId(device) ? device : undefined
      },
      set: (device) => settings.keepSetting(UNFINISHED_SETTING, device ?? ''),
    },
  })
}

async function lanesOf(bus: Bus, peer: PeerId, signal: AbortSignal): Promise<void> {
  const isReady = bus.presence().some((presence) => presence.peer === peer && presence.state === 'ready')
  if (!isReady) await bus.events.next('peer:ready', { signal, matches: (event) => event.peer === peer })
}
