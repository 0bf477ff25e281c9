import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'

/** Circuits that one relay may bring to us at once, and that we may open over one. */
const CIRCUITS_PER_RELAY = 16

type CircuitsFactory = ReturnType<typeof circuitRelayTransport>

/**
 * Connections through relays: dialling one, and taking one that a relay brings. Reservations are our own business
 * (`relay/relay-reservations.ts`); the library's store of them is told that there always is one, or it would begin to listen at
 * every relay that brings a circuit. From which relays they are taken, the connection gater decides.
 */
export function circuits(): CircuitsFactory {
  return (components) => {
    const transport = circuitRelayTransport({
      maxInboundStopStreams: CIRCUITS_PER_RELAY,
      maxOutboundStopStreams: CIRCUITS_PER_RELAY,
    })(components)
    const { reservationStore } = transport as unknown as { reservationStore: { hasReservation: () => boolean } }
    reservationStore.hasReservation = () => true
    return transport
  }
}
