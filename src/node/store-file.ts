/** The names, in the folder of a profile, of its database and of the lock that tells who owns it. */
export const STORE_FILE = 'plexus.db'
export const LOCK_FILE = 'owner.lock'
