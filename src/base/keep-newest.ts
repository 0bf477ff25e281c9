/** Takes out what was put in first until at most `max` entries are left: the bound of a cache or of a memory of peers. */
export function keepNewest<Key>(entries: Map<Key, unknown> | Set<Key>, max: number): void {
  for (const oldest of entries.keys()) {
    if (entries.size <= max) return
    entries.delete(oldest)
  }
}
