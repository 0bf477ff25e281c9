import type { Schema } from '../store/index.ts'

/** `record.state`. */
export const RECORD_STATE = {
  live: 0,
  /** The body was dropped on purpose and must not come back. */
  erased: 1,
  /** On a branch of a fork: neither served nor folded. */
  void: 2,
} as const

/** `record.checked`: what we know of a record's own signature. */
export const SIGNATURE_STATE = {
  /** Proven by its chain only. */
  chained: 0,
  checked: 1,
  /** The record is genuine by its chain, the signature that came with it is not. */
  bad: 2,
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

/** The journal's tables, for `openDatabase`. */
export const recordsSchema: Schema = { module: 'records', migrations: [{ version: 1, up: TABLES }] }
