import type { Clock, PeerId } from '../base/index.ts'
import { ADDRESSES_PER_PEER } from '../network/index.ts'
import { type Database, type Schema, text } from '../store/index.ts'

export const addressBookSchema: Schema = {
  module: 'node',
  migrations: [
    {
      version: 1,
      up: `CREATE TABLE address (
             peer TEXT NOT NULL, address TEXT NOT NULL, seen INTEGER NOT NULL,
             PRIMARY KEY (peer, address)) STRICT, WITHOUT ROWID;
           CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
    },
  ],
}

/** Small facts of one node, kept across restarts. */
export interface Settings {
  setting(name: string): string | undefined
  keepSetting(name: string, value: string): void
}

/** Where peers were last seen, the last few addresses of each, kept across restarts, and this node's own settings beside it. */
export interface AddressBook extends Settings {
  addressesOf(peer: PeerId): readonly string[]
  remember(peer: PeerId, addresses: readonly string[]): void
}

export function addressBook(components: { readonly database: Database; readonly clock: Clock }): AddressBook {
  const { database, clock } = components
  const byPeer = database.prepare('SELECT address FROM address WHERE peer = ? ORDER BY seen DESC, address LIMIT ?')
  const put = database.prepare(
    'INSERT INTO address (peer, address, seen) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seen = excluded.seen',
  )
  const trim = database.prepare(
    `DELETE FROM address WHERE peer = ?1 AND address NOT IN
       (SELECT address FROM address WHERE peer = ?1 ORDER BY seen DESC, address LIMIT ?2)`,
  )
  const readSetting = database.prepare('SELECT value FROM setting WHERE name = ?')
  const writeSetting = database.prepare(
    'INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  )
  return {
    addressesOf: (peer) => byPeer.all(peer, ADDRESSES_PER_PEER).map((row) => text(row.address)),
    remember: (peer, addresses) =>
      database.transaction(() => {
        for (const address of addresses.slice(0, ADDRESSES_PER_PEER)) put.run(peer, address, clock.now())
        trim.run(peer, ADDRESSES_PER_PEER)
      }),
    setting: (name) => {
      const row = readSetting.get(name)
      return row === undefined ? undefined : text(row.value)
    },
    keepSetting: (name, value) => void writeSetting.run(name, value),
  }
}
