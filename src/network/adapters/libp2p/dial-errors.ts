import { errnoOf, reasonOf } from '../../../base/index.ts'
import { NetworkError } from '../../errors.ts'

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'this machine has no address to dial from',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset during the handshake',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ENOTFOUND: 'the host name is unknown',
  ETIMEDOUT: 'no answer',
}

/** By the name of the error. */
const LIBRARY_REASONS: Readonly<Record<string, string>> = {
  ConnectionInterceptedError: 'its key is not Ed25519',
  TransportUnavailableError: 'addresses of this kind are not supported',
}

/** What a relay answers instead of a circuit; the library passes on the name alone. */
const RELAY_REASONS: Readonly<Record<string, string>> = {
  CONNECTION_FAILED: 'the relay does not reach it',
  NO_RESERVATION: 'it has no place at the relay',
  PERMISSION_DENIED: 'the relay does not relay for us',
  RESOURCE_LIMIT_EXCEEDED: 'the relay has no room for another circuit',
}
const RELAY_STATUS = /^failed to connect via relay with status (\w+)$/

/** What TLS and noise say when another identity than the expected one answers; libp2p passes on the message alone. */
const WRONG_PEER = /^Unexpected Peer$|does not match expected remote identity key/

/** libp2p rejects some promises with the event that ended them. */
export function thrownError(thrown: unknown): unknown {
  if (!(thrown instanceof Event)) return thrown
  return 'error' in thrown && thrown.error instanceof Error ? thrown.error : new Error('the connection was closed')
}

/** The reason, in a few words, why dialling one address failed. */
export function dialError(thrown: unknown): NetworkError {
  if (thrown instanceof NetworkError) return thrown
  const error = thrownError(thrown)
  const message = reasonOf(error)
  if (WRONG_PEER.test(message)) {
    return new NetworkError('ERR_WRONG_PEER', 'another peer answered', { cause: error })
  }
  const name = error instanceof Error ? error.name : ''
  // The WebSocket API tells nobody why.
  if (message === '') return new NetworkError('ERR_UNREACHABLE', 'the WebSocket could not be opened', { cause: error })
  const relayed = RELAY_REASONS[RELAY_STATUS.exec(message)?.[1] ?? '']
  const reason =
    relayed ?? SYSTEM_REASONS[errnoOf(error) ?? ''] ?? LIBRARY_REASONS[name] ?? `the handshake failed (${message})`
  return new NetworkError('ERR_UNREACHABLE', reason, { cause: error })
}

/** libp2p reports all failed listen addresses in one message. */
export function listenError(error: unknown, listen: readonly string[]): NetworkError {
  const message = reasonOf(error)
  const where = listen.join(', ')
  if (message.includes('EADDRINUSE')) {
    return new NetworkError('ERR_ADDRESS_IN_USE', `the port is already in use: ${where}`, {
      cause: error,
      fix: 'Stop the program that uses it, or listen on another port.',
    })
  }
  if (message.includes('EADDRNOTAVAIL')) {
    return new NetworkError('ERR_LISTEN', `no interface of this machine has the address: ${where}`, {
      cause: error,
      fix: 'Listen on /ip4/0.0.0.0/tcp/<port> or on an address of this machine.',
    })
  }
  if (message.includes('EACCES')) {
    return new NetworkError('ERR_LISTEN', `not allowed to listen on ${where}`, {
      cause: error,
      fix: 'Choose a port above 1023.',
    })
  }
  return new NetworkError('ERR_LISTEN', `cannot listen on ${where}: ${message.split('\n')[0]}`, {
    cause: error,
    fix: 'Give TCP addresses such as /ip4/0.0.0.0/tcp/4001.',
  })
}
