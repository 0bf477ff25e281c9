import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dialError, listenError } from '../../../src/network/adapters/libp2p/dial-errors.ts'
import { NetworkError } from '../../../src/network/index.ts'

function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code} 10.0.0.1:1`), { code })
}

function libraryError(name: string, message = 'what the library says'): Error {
  return Object.assign(new Error(message), { name })
}

describe('errors of libp2p become ours', () => {
  test('for one address, in a few words', () => {
    const cases: readonly [unknown, string, string][] = [
      [systemError('ECONNREFUSED'), 'ERR_UNREACHABLE', 'connection refused'],
      [systemError('EHOSTUNREACH'), 'ERR_UNREACHABLE', 'no route to the host'],
      [systemError('ECONNRESET'), 'ERR_UNREACHABLE', 'the connection was reset during the handshake'],
      [libraryError('TransportUnavailableError'), 'ERR_UNREACHABLE', 'addresses of this kind are not supported'],
      [libraryError('ConnectionInterceptedError'), 'ERR_UNREACHABLE', 'its key is not Ed25519'],
      [libraryError('EncryptionFailedError', 'Unexpected Peer'), 'ERR_WRONG_PEER', 'another peer answered'],
      [libraryError('EncryptionFailedError', 'bad record'), 'ERR_UNREACHABLE', 'the handshake failed (bad record)'],
      [new Event('close'), 'ERR_UNREACHABLE', 'the handshake failed (the connection was closed)'],
      [
        Object.assign(new Event('close'), { error: systemError('ECONNRESET') }),
        'ERR_UNREACHABLE',
        'the connection was reset during the handshake',
      ],
      ['odd', 'ERR_UNREACHABLE', 'the handshake failed (odd)'],
    ]
    for (const [thrown, code, message] of cases) {
      const error = dialError(thrown)
      assert.deepEqual([error.code, error.message], [code, message])
    }
    const own = new NetworkError('ERR_TIMEOUT', 'slow')
    assert.equal(dialError(own), own)
  })

  test('for listening, with what to do', () => {
    const listen = ['/ip4/0.0.0.0/tcp/80']
    const cases: readonly [string, string, RegExp][] = [
      [
        'Error: listen EADDRINUSE: address already in use',
        'ERR_ADDRESS_IN_USE',
        /already in use: \/ip4\/0\.0\.0\.0\/tcp\/80/,
      ],
      ['Error: listen EADDRNOTAVAIL', 'ERR_LISTEN', /no interface of this machine/],
      ['Error: listen EACCES: permission denied', 'ERR_LISTEN', /not allowed/],
      ['something else\nwith a second line', 'ERR_LISTEN', /something else$/],
    ]
    for (const [message, code, expected] of cases) {
      const error = listenError(new Error(message), listen)
      assert.equal(error.code, code)
      assert.match(error.message, expected)
      assert.ok(error.fix)
    }
  })
})
