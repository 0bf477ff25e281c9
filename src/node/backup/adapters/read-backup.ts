import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { bytesEqual, errnoOf, hexOf } from '../../../base/index.ts'
import { NodeError } from '../../errors.ts'
import {
  type BackupLayout,
  type BackupManifest,
  damaged,
  decodeFooter,
  decodeManifest,
  FOOTER_BYTES,
  FOOTER_HEAD_BYTES,
} from '../backup-format.ts'
import { addToHash, readPart } from './file-parts.ts'

/** A backup whose every byte was checked. */
export interface CheckedBackup extends AsyncDisposable {
  readonly file: FileHandle
  readonly layout: BackupLayout
  readonly manifest: BackupManifest
  readonly bytes: number
  readonly sha256: string
}

/**
 * Opens a backup and reads all of it once. Rejects with `NodeError`: `ERR_BACKUP_UNREADABLE`, `ERR_BACKUP_UNKNOWN`,
 * `ERR_BACKUP_DAMAGED`; or with the signal's reason.
 */
export async function openBackup(path: string, signal?: AbortSignal): Promise<CheckedBackup> {
  await using cleanup = new AsyncDisposableStack()
  const file = cleanup.use(await openFile(path))
  const { size } = await file.stat()
  const footer = await readPart(file, { from: Math.max(0, size - FOOTER_BYTES), to: size })
  const { layout, sha256 } = decodeFooter(footer, size)
  const hash = createHash('sha256')
  await addToHash(hash, file, { from: 0, to: size - FOOTER_BYTES + FOOTER_HEAD_BYTES }, signal)
  if (!bytesEqual(hash.digest(), sha256)) throw damaged('its checksum is wrong')
  const from = layout.databaseBytes + layout.keyBytes
  const manifest = decodeManifest(await readPart(file, { from, to: from + layout.manifestBytes }))
  const resources = cleanup.move()
  return {
    file,
    layout,
    manifest,
    bytes: size,
    sha256: hexOf(sha256),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (cause) {
    throw new NodeError('ERR_BACKUP_UNREADABLE', `${path} cannot be read: ${errnoOf(cause) ?? String(cause)}`, {
      cause,
      fix: 'Check its path, and whether you may read it.',
    })
  }
}
