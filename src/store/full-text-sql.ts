/** The statements of one index, with its table names filled in. */
export interface FullTextSql {
  readonly exists: string
  readonly create: string
  readonly clear: string
  readonly find: string
  readonly addDocument: string
  readonly addTerms: string
  readonly addTrigrams: string
  readonly removeDocument: string
  readonly removeTerms: string
  readonly removeTrigrams: string
  readonly countUp: string
  readonly countDown: string
  readonly total: string
  readonly frequency: string
  readonly matchTerms: string
  readonly matchTrigrams: string
}

/**
 * Two external-content FTS5 tables over one table of documents (https://www.sqlite.org/fts5.html).
 *
 * `detail=none`: how often a term stands in a document is counted in `terms`, so the index need not hold positions.
 * `secure-delete`: what is removed leaves the index at once, and not when segments happen to be merged.
 * No rowid is given twice: with both of these options, FTS5 3.53 garbles its index when a row is replaced in place.
 * The table of totals has no constraints: a statement that may fail makes SQLite set a savepoint, and at each savepoint
 * FTS5 writes out what it has gathered, which would cost most of the speed of a batch.
 */
export function fullTextSql(name: string): FullTextSql {
  const [doc, word, trigram, vocabulary, total] = [
    `${name}_doc`,
    `${name}_word`,
    `${name}_trigram`,
    `${name}_vocabulary`,
    `${name}_total`,
  ]
  const match = (table: string, columns: string): string =>
    `SELECT ${columns} FROM ${table} AS hit CROSS JOIN ${doc} AS d ON d.rowid = hit.rowid
     WHERE hit.${table} MATCH ? ORDER BY hit.rowid DESC LIMIT ?`
  return {
    exists: `SELECT 1 FROM sqlite_schema WHERE name = '${total}'`,
    create: `
      CREATE TABLE ${doc} (
        rowid INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, length INTEGER NOT NULL, text TEXT NOT NULL, terms TEXT NOT NULL
      ) STRICT;
      CREATE VIRTUAL TABLE ${word} USING fts5(
        terms, content='${doc}', content_rowid='rowid', tokenize='ascii', detail=none, columnsize=0
      );
      CREATE VIRTUAL TABLE ${trigram} USING fts5(
        text, content='${doc}', content_rowid='rowid', tokenize='trigram case_sensitive 1', detail=none, columnsize=0
      );
      CREATE VIRTUAL TABLE ${vocabulary} USING fts5vocab('${word}', 'row');
      CREATE TABLE ${total} (documents INTEGER, terms INTEGER, last_rowid INTEGER);
      INSERT INTO ${total} VALUES (0, 0, 0);
      INSERT INTO ${word} (${word}, rank) VALUES ('secure-delete', 1);
      INSERT INTO ${trigram} (${trigram}, rank) VALUES ('secure-delete', 1);`,
    clear: `
      INSERT INTO ${word} (${word}) VALUES ('delete-all');
      INSERT INTO ${trigram} (${trigram}) VALUES ('delete-all');
      DELETE FROM ${doc};
      UPDATE ${total} SET documents = 0, terms = 0;`,
    find: `SELECT rowid, length, text, terms FROM ${doc} WHERE id = ?`,
    addDocument: `INSERT INTO ${doc} (rowid, id, length, text, terms) VALUES (?, ?, ?, ?, ?)`,
    addTerms: `INSERT INTO ${word} (rowid, terms) VALUES (?, ?)`,
    addTrigrams: `INSERT INTO ${trigram} (rowid, text) VALUES (?, ?)`,
    removeDocument: `DELETE FROM ${doc} WHERE rowid = ?`,
    removeTerms: `INSERT INTO ${word} (${word}, rowid, terms) VALUES ('delete', ?, ?)`,
    removeTrigrams: `INSERT INTO ${trigram} (${trigram}, rowid, text) VALUES ('delete', ?, ?)`,
    countUp: `UPDATE ${total} SET documents = documents + 1, terms = terms + ?, last_rowid = ?`,
    countDown: `UPDATE ${total} SET documents = documents - 1, terms = terms - ?`,
    total: `SELECT documents, terms, last_rowid FROM ${total}`,
    frequency: `SELECT doc FROM ${vocabulary} WHERE term = ?`,
    matchTerms: match(word, 'd.id, d.length, d.terms'),
    matchTrigrams: match(trigram, 'd.id, d.text'),
  }
}
