import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { TextDecoder } from 'node:util'
import { errnoOf } from '../../base/index.ts'
import { ResearchError } from '../errors.ts'
import type { TextSource } from '../text-source.ts'

const CHUNK_BYTES = 65_536
/** JabRef's first line, e.g. `% Encoding: ISO-8859-1`. */
const DECLARED = /^%\s*Encoding:\s*([\w.:-]+)/im
const DECLARED_WITHIN_BYTES = 1_024

/**
 * Reads a text file in chunks. UTF-8 unless a byte order mark or a line `% Encoding: ...` says otherwise; bytes that do not
 * belong there come out as U+FFFD, so that the reader can name the line. Throws `ERR_FILE_UNREADABLE`.
 */
export const readTextFile: TextSource = async function* (path, signal) {
  await using file = await openFile(path)
  const buffer = new Uint8Array(CHUNK_BYTES)
  let decoder: TextDecoder | undefined
  for (;;) {
    signal.throwIfAborted()
    const bytes = buffer.subarray(0, await readSome(file, buffer, path))
    decoder ??= decoderFor(bytes)
    if (bytes.byteLength === 0) break
    yield decoder.decode(bytes, { stream: true })
  }
  yield decoder.decode()
}

async function openFile(path: string): Promise<FileHandle> {
  // Without waiting: a named pipe would keep us until somebody writes to it.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause: unknown) => {
    throw unreadable(path, cause)
  })
  const stat = await file.stat()
  if (stat.isFile()) return file
  await file.close()
  const message = `${path} is ${stat.isDirectory() ? 'a directory' : 'not a regular file'}`
  throw new ResearchError('ERR_FILE_UNREADABLE', message, { fix: 'Name a bibliography file, e.g. library.bib.' })
}

async function readSome(file: FileHandle, buffer: Uint8Array, path: string): Promise<number> {
  try {
    return (await file.read(buffer, 0, buffer.byteLength, null)).bytesRead
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function unreadable(path: string, cause: unknown): ResearchError {
  const code = errnoOf(cause)
  const [message, fix] =
    code === 'ENOENT' || code === 'ENOTDIR'
      ? [
          `there is no file ${path}`,
          'Check the name; a relative one counts from the folder that the peer was started in.',
        ]
      : code === 'EACCES' || code === 'EPERM'
        ? [`${path} may not be read`, `Let the user that runs the peer read it, e.g. with \`chmod u+r ${path}\`.`]
        : [`${path} cannot be read (${code ?? String(cause)})`, 'Check the disk, then try again.']
  return new ResearchError('ERR_FILE_UNREADABLE', message, { cause, fix })
}

function decoderFor(start: Uint8Array): TextDecoder {
  if (start[0] === 0xff && start[1] === 0xfe) return new TextDecoder('utf-16le')
  if (start[0] === 0xfe && start[1] === 0xff) return new TextDecoder('utf-16be')
  const head = new TextDecoder('latin1').decode(start.subarray(0, DECLARED_WITHIN_BYTES))
  const label = DECLARED.exec(head)?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(label)
  } catch (error) {
    // A name that nobody knows, e.g. JabRef's `x-MacRoman` spelled wrong: the lines that are no UTF-8 will be reported.
    if (error instanceof RangeError) return new TextDecoder()
    throw error
  }
}
