import { type KadDiscovery, type KadDiscoveryComponents, kadDiscovery } from '../network/index.ts'
import type { Settings } from './address-book.ts'
import type { NodeInit } from './types.ts'

/**
 * The directory of strangers that this node takes part in, as the caller says or as last time. None unless asked for: then no
 * third party is contacted, and nothing of it is loaded.
 */
export function chosenDirectory(
  init: Pick<NodeInit, 'bootstrap' | 'discoveryServer' | 'openTopics'>,
  components: KadDiscoveryComponents & { readonly settings: Settings },
): KadDiscovery | undefined {
  const { settings } = components
  const bootstrap = init.bootstrap ?? keptList(settings)
  const server = init.discoveryServer ?? settings.setting('discovery-server') === 'on'
  // Open topics need somebody to be linked with.
  const stayLinked = (init.openTopics?.length ?? 0) > 0
  const isWanted = bootstrap.length > 0 || server
  const directory = isWanted ? kadDiscovery({ bootstrap, server, stayLinked })(components) : undefined
  settings.keepSetting('bootstrap', JSON.stringify(bootstrap))
  settings.keepSetting('discovery-server', server ? 'on' : 'off')
  return directory
}

function keptList(settings: Settings): readonly string[] {
  return JSON.parse(settings.setting('bootstrap') ?? '[]') as readonly string[]
}
