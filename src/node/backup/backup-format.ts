import { z } from 'zod'
import { bytesEqual, concatBytes, utf8 } from '../../base/index.ts'
import { NodeError } from '../errors.ts'

/** Begins the footer of every backup file (docs/specs/backup.md). */
export const BACKUP_MAGIC: Uint8Array = utf8('plexus backup 1\n')
/** Magic 16, three lengths of 8, SHA-256 of everything before it 32. */
export const FOOTER_BYTES: number = 16 + 3 * 8 + 32
/** What the hash covers of the footer. */
export const FOOTER_HEAD_BYTES: number = FOOTER_BYTES - 32
export const KEY_MAX_BYTES: number = 64 * 1024
export const MANIFEST_MAX_BYTES: number = 4 * 1024 * 1024

/** How the parts of a backup file follow each other: database, key file, manifest, footer. */
export interface BackupLayout {
  readonly databaseBytes: number
  /** 0 for a backup without the key. */
  readonly keyBytes: number
  readonly manifestBytes: number
}

/** What a backup says of itself. */
export interface BackupManifest {
  readonly format: 1
  /** Milliseconds since 1970. */
  readonly created: number
  /** Of the program that wrote it. */
  readonly version: string
  /** The device that the store belongs to. */
  readonly peer: string
  readonly spaces: readonly BackupSpace[]
}

export interface BackupSpace {
  readonly id: string
  /** Untrusted text. */
  readonly name: string
  readonly personal: boolean
  readonly records: number
  /** Devices that wrote records of it. */
  readonly authors: number
}

const COUNT = z.int().min(0)
const MANIFEST: z.ZodType<BackupManifest> = z.object({
  format: z.literal(1),
  created: z.number(),
  version: z.string(),
  peer: z.string(),
  spaces: z.array(
    z.object({ id: z.string(), name: z.string(), personal: z.boolean(), records: COUNT, authors: COUNT }),
  ),
})

export function encodeManifest(manifest: BackupManifest): Uint8Array {
  return utf8(JSON.stringify(manifest))
}

/** Throws `ERR_BACKUP_DAMAGED`. */
export function decodeManifest(bytes: Uint8Array): BackupManifest {
  try {
    return MANIFEST.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch (cause) {
    throw damaged('its description cannot be read', cause)
  }
}

/** The footer without its last part, the hash. */
export function encodeFooterHead({ databaseBytes, keyBytes, manifestBytes }: BackupLayout): Uint8Array {
  const lengths = new Uint8Array(3 * 8)
  const view = new DataView(lengths.buffer)
  for (const [index, length] of [databaseBytes, keyBytes, manifestBytes].entries()) {
    view.setBigUint64(index * 8, BigInt(length))
  }
  return concatBytes(BACKUP_MAGIC, lengths)
}

/**
 * The parts of a file of `fileBytes` bytes that ends with this footer. Throws `ERR_BACKUP_DAMAGED` unless they are exactly the
 * file, `ERR_BACKUP_UNKNOWN` for a file that is no backup.
 */
export function decodeFooter(
  footer: Uint8Array,
  fileBytes: number,
): { readonly layout: BackupLayout; readonly sha256: Uint8Array } {
  if (footer.length !== FOOTER_BYTES || !bytesEqual(footer.subarray(0, 16), BACKUP_MAGIC)) {
    throw new NodeError('ERR_BACKUP_UNKNOWN', 'the file is no Plexus backup, or its end is missing', {
      fix: 'Give a file that `plexus backup` wrote, whole.',
    })
  }
  const view = new DataView(footer.buffer, footer.byteOffset, footer.byteLength)
  const [databaseBytes = 0, keyBytes = 0, manifestBytes = 0] = [16, 24, 32].map((at) => Number(view.getBigUint64(at)))
  const layout = { databaseBytes, keyBytes, manifestBytes }
  const isWhole = databaseBytes + keyBytes + manifestBytes + FOOTER_BYTES === fileBytes
  if (!isWhole || keyBytes > KEY_MAX_BYTES || manifestBytes > MANIFEST_MAX_BYTES) {
    throw damaged('its parts do not add up to its size')
  }
  return { layout, sha256: footer.subarray(FOOTER_HEAD_BYTES) }
}

export function damaged(what: string, cause?: unknown): NodeError {
  return new NodeError('ERR_BACKUP_DAMAGED', `the backup is damaged: ${what}`, {
    cause,
    fix: 'Use another copy of it.',
  })
}
