import type { PeerId } from '../../base/index.ts'
import { NetworkError } from '../errors.ts'
import { peerIdOfBytes, peerIdToBytes } from '../wire/peer-bytes.ts'
import { encodeProtobuf, ProtobufFields } from '../wire/protobuf.ts'

/** Circuit relay v2 (libp2p specs, relay/circuit-v2): between a client and its relay, and between the relay and its target. */
export const HOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/hop'
export const STOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/stop'
export const CIRCUIT_MESSAGE_MAX_BYTES = 4096

export const RELAY_STATUS = {
  ok: 100,
  reservationRefused: 200,
  resourceLimitExceeded: 201,
  permissionDenied: 202,
  connectionFailed: 203,
  noReservation: 204,
  malformedMessage: 400,
  unexpectedMessage: 401,
} as const
export type RelayStatus = (typeof RELAY_STATUS)[keyof typeof RELAY_STATUS]

/** What one circuit may carry, both directions together, and how long. */
export interface CircuitLimit {
  readonly seconds: number
  readonly bytes: number
}

/** A place at a relay. Where the relay is, its clients know; so the addresses that the protocol has room for are left out. */
export interface Reservation {
  /** Seconds since 1970. */
  readonly expires: number
}

export type HopRequest = { readonly is: 'reserve' } | { readonly is: 'connect'; readonly peer: PeerId }

export interface HopAnswer {
  readonly status: number
  readonly reservation?: Reservation
  readonly limit?: CircuitLimit
}

const HOP_TYPE = { reserve: 0, connect: 1, status: 2 } as const
const STOP_TYPE = { connect: 0, status: 1 } as const

export function encodeHopRequest(request: HopRequest): Uint8Array {
  return encodeProtobuf([
    [1, HOP_TYPE[request.is]],
    [2, request.is === 'connect' ? encodePeer(request.peer) : undefined],
  ])
}

/** Throws `ERR_MALFORMED_MESSAGE`, as all that decode here. */
export function decodeHopRequest(bytes: Uint8Array): HopRequest {
  const fields = new ProtobufFields(bytes)
  const type = fields.number(1)
  if (type === HOP_TYPE.reserve) return { is: 'reserve' }
  if (type !== HOP_TYPE.connect) throw malformed('it is neither a reservation nor a connection')
  return { is: 'connect', peer: peerIn(fields) }
}

export function encodeHopAnswer({ status, reservation, limit }: HopAnswer): Uint8Array {
  return encodeProtobuf([
    [1, HOP_TYPE.status],
    [3, reservation === undefined ? undefined : encodeReservation(reservation)],
    [4, limit === undefined ? undefined : encodeLimit(limit)],
    [5, status],
  ])
}

export function decodeHopAnswer(bytes: Uint8Array): HopAnswer {
  const fields = new ProtobufFields(bytes)
  const status = fields.number(5)
  if (fields.number(1) !== HOP_TYPE.status || status === undefined) throw malformed('it is no status')
  const reservation = fields.message(3)
  const limit = fields.message(4)
  return {
    status,
    ...(reservation === undefined ? {} : { reservation: { expires: reservation.number(1) ?? 0 } }),
    ...(limit === undefined ? {} : { limit: { seconds: limit.number(1) ?? 0, bytes: limit.number(2) ?? 0 } }),
  }
}

/** To a target: a peer wants to talk to it through us. */
export function encodeStopRequest(source: PeerId, limit: CircuitLimit): Uint8Array {
  return encodeProtobuf([
    [1, STOP_TYPE.connect],
    [2, encodePeer(source)],
    [3, encodeLimit(limit)],
  ])
}

/** The status in a target's answer. */
export function decodeStopAnswer(bytes: Uint8Array): number {
  const fields = new ProtobufFields(bytes)
  const status = fields.number(4)
  if (fields.number(1) !== STOP_TYPE.status || status === undefined) throw malformed('it is no status')
  return status
}

function encodePeer(peer: PeerId): Uint8Array {
  return encodeProtobuf([[1, peerIdToBytes(peer)]])
}

function encodeReservation({ expires }: Reservation): Uint8Array {
  return encodeProtobuf([[1, expires]])
}

function encodeLimit({ seconds, bytes }: CircuitLimit): Uint8Array {
  return encodeProtobuf([
    [1, seconds],
    [2, bytes],
  ])
}

function peerIn(fields: ProtobufFields): PeerId {
  const peer = peerIdOfBytes(fields.message(2)?.bytes(1) ?? new Uint8Array(0))
  if (peer === undefined) throw malformed('it names no Ed25519 peer')
  return peer
}

function malformed(why: string): NetworkError {
  return new NetworkError('ERR_MALFORMED_MESSAGE', `a message of the relay protocol makes no sense: ${why}`)
}
