import type { Schema } from '../store/index.ts'

/** The store's random name. */
export const STORE_ID_BYTES = 16

/** `record.state`. */
export const RECORD_STATE = {
  live: 0,
  /** The body was dropped on purpose. */
  erased: 1,
} as const

/** `record.checked`: what we know of a record's own signature. */
export const SIGNATURE_STATE = {
  /** Proven by its chain only. */
  chained: 0,
  checked: 1,
  /** The record is genuine by its chain, the signature that came with it is not. */
  bad: 2,
  /** The row is not as it was written: it only keeps the place until another peer sends the record again. */
  damaged: 3,
} as const

/**
 * Record ids are random, so a full index of them would soon dirty a page per record; six bytes are enough to find one.
 * Headers and bodies lie apart, so that erasing and scanning are cheap.
 */
const TABLES = `
  CREATE TABLE journal (store_id BLOB NOT NULL) STRICT;

  CREATE TABLE space (n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE) STRICT;

  CREATE TABLE log (
    n INTEGER PRIMARY KEY,
    space INTEGER NOT NULL,
    device BLOB NOT NULL,
    name BLOB NOT NULL,
    class INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    id BLOB NOT NULL,
    frozen INTEGER NOT NULL,
    UNIQUE (space, device, name)
  ) STRICT;

  CREATE TABLE own_log (
    space INTEGER NOT NULL,
    class INTEGER NOT NULL,
    log INTEGER NOT NULL,
    PRIMARY KEY (space, class)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE record (
    rid INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    header BLOB NOT NULL,
    signature BLOB NOT NULL,
    checked INTEGER NOT NULL,
    state INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX record_place ON record (log, seq);
  CREATE INDEX record_id ON record (substr(id, 1, 6));

  CREATE TABLE body (rid INTEGER PRIMARY KEY, bytes BLOB NOT NULL, exp INTEGER NOT NULL) STRICT;
  CREATE INDEX body_exp ON body (exp) WHERE exp > 0;

  CREATE TABLE parked (
    n INTEGER PRIMARY KEY,
    space BLOB NOT NULL,
    device BLOB NOT NULL,
    log BLOB NOT NULL,
    seq INTEGER NOT NULL,
    id BLOB NOT NULL,
    header BLOB NOT NULL,
    signature BLOB NOT NULL,
    body BLOB,
    UNIQUE (space, device, log, seq, id)
  ) STRICT;
  CREATE INDEX parked_space ON parked (space);

  CREATE TABLE fork (
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    header_a BLOB NOT NULL,
    signature_a BLOB NOT NULL,
    header_b BLOB NOT NULL,
    signature_b BLOB NOT NULL,
    PRIMARY KEY (log, seq)
  ) STRICT;

  CREATE TABLE view (
    n INTEGER PRIMARY KEY,
    domain TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    through INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE touch (
    view INTEGER NOT NULL,
    entity TEXT NOT NULL,
    hlc INTEGER NOT NULL,
    id BLOB NOT NULL,
    rid INTEGER NOT NULL,
    PRIMARY KEY (view, entity, hlc, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE view_failure (
    view INTEGER NOT NULL,
    entity TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (view, entity)
  ) STRICT, WITHOUT ROWID;
`

/**
 * Only what counts stays in `record`. `voided` keeps what does not for now; the row with the lowest number goes first when there are
 * too many. `journal.last_rid` is the highest number ever given, as far as rows of higher numbers than all others were removed.
 * `log.forked` says that `fork` has rows of the log, `log.unpruned` that prune points took no effect; `fork.checked` is a SIGNATURE_STATE for both signatures together.
 */
const VALIDITY = `
  ALTER TABLE journal ADD COLUMN last_rid INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE log ADD COLUMN base INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE log ADD COLUMN unpruned INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE log RENAME COLUMN frozen TO forked;

  CREATE TABLE voided (
    n INTEGER PRIMARY KEY,
    space INTEGER NOT NULL,
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    id BLOB NOT NULL,
    header BLOB NOT NULL,
    signature BLOB NOT NULL,
    checked INTEGER NOT NULL,
    body BLOB,
    exp INTEGER NOT NULL,
    UNIQUE (log, seq, id)
  ) STRICT;
  CREATE INDEX voided_space ON voided (space);
  CREATE INDEX voided_exp ON voided (exp) WHERE exp > 0 AND body IS NOT NULL;

  INSERT INTO voided (space, log, seq, id, header, signature, checked, body, exp)
    SELECT l.space, r.log, r.seq, r.id, r.header, r.signature, r.checked, b.bytes, ifnull(b.exp, 0)
    FROM record r JOIN log l ON l.n = r.log LEFT JOIN body b USING (rid) WHERE r.state = 2 ORDER BY r.log, r.seq DESC;
  UPDATE journal SET last_rid = (SELECT ifnull(max(rid), 0) FROM record);
  DELETE FROM body WHERE rid IN (SELECT rid FROM record WHERE state = 2);
  DELETE FROM record WHERE state = 2;

  ALTER TABLE fork ADD COLUMN checked INTEGER NOT NULL DEFAULT 0;
  DELETE FROM fork WHERE seq > (SELECT min(f.seq) FROM fork f WHERE f.log = fork.log);
`

/** What cannot be read yet is looked through when a key comes. */
const UNREAD = 'CREATE INDEX record_unread ON record (rid) WHERE kind = 0 AND state = 0'

/** Control records a second time, on pages of their own. */
const COPIES = `
  CREATE TABLE control_copy (
    rid INTEGER PRIMARY KEY, header BLOB NOT NULL, signature BLOB NOT NULL, body BLOB NOT NULL
  ) STRICT;
  INSERT INTO control_copy (rid, header, signature, body)
    SELECT r.rid, r.header, r.signature, b.bytes FROM log l JOIN record r ON r.log = l.n JOIN body b USING (rid)
    WHERE l.class = 0;
`

/** The journal's tables, for `openDatabase`. */
export const recordsSchema: Schema = {
  module: 'records',
  migrations: [
    { version: 1, up: TABLES },
    { version: 2, up: VALIDITY },
    { version: 3, up: UNREAD },
    { version: 4, up: COPIES },
  ],
}
