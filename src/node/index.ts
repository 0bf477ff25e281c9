/** Layer 6: the composition root. Wires the layers into a running peer and routes operations to the domains. */
export { type PinoLoggerInit, pinoLogger } from './adapters/pino-logger.ts'
export { type CheckedBackup, openBackup } from './backup/adapters/read-backup.ts'
export { type RestoreReport, restoreBackup } from './backup/adapters/restore.ts'
export { type BackupReport, writeBackup } from './backup/adapters/write-backup.ts'
export type { BackupManifest, BackupSpace } from './backup/backup-format.ts'
export { createNode } from './create-node.ts'
export type { LinkedStep, RotateReport } from './device-operations.ts'
export { NodeError, type NodeErrorCode } from './errors.ts'
export { type EventBatch, EventLog } from './event-log/event-log.ts'
export type { NodeEvent } from './event-log/node-event.ts'
export type { ExportedRecord, ExportPart } from './export-records.ts'
export { inspectStore } from './inspect-store.ts'
export type { ContentDiscovery } from './member-discovery.ts'
export type { FormerReport, MemberReport, MembersReport, RevokeReport } from './member-operations.ts'
export { type ProcessFigures, prometheusText } from './metrics.ts'
export type { InviteReport, NodeOperations } from './operations.ts'
export type { PeerClock } from './peer-clocks.ts'
export { listPeers, type PeerReport, type PingReport } from './peers.ts'
export type { ReachReport } from './reach.ts'
export { type RepairReport, repairStore } from './repair/adapters/repair-store.ts'
export type { RebuildReport } from './repair/rebuild.ts'
export type { AcceptReport, CreateReport, ForksReport } from './space-operations.ts'
export type {
  ComponentFactory,
  ComponentReport,
  Domain,
  DomainComponents,
  DomainFactory,
  NetworkFactory,
  NodeComponent,
  NodeInit,
  NodeStatus,
  Operations,
  PlexusNode,
  SpaceReport,
} from './types.ts'
