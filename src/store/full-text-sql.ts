/** The statements of one index, with its table names filled in. */
export interface FullTextSql {
  readonly exists: string
  readonly create: string
  readonly clear: string
  readonly find: string
  readonly addDocument: string
  readonly addTokens: string
  readonly removeDocument: string
  readonly removeTokens: string
  readonly hasWord: string
  readonly findWord: string
  readonly addWord: string
  readonly addTrigrams: string
  readonly removeWord: string
  readonly removeTrigrams: string
  readonly setTotals: string
  readonly totals: string
  readonly frequency: string
  readonly matches: string
  readonly matchesWithId: string
  readonly documents: string
  readonly rowids: string
  readonly words: string
}

/**
 * An external-content FTS5 table over the documents and one over the distinct words in them
 * (https://www.sqlite.org/fts5.html). Trigrams are made of words and not of texts: there are far fewer of them, and however
 * many documents hold a word, a part of it or a slip of the pen is looked up once.
 *
 * `detail=none`: how often a term stands in a document is counted in `terms`, so the index need not hold positions.
 * `secure-delete`: what is removed leaves the index at once, and not when segments happen to be merged.
 * No rowid is given twice: with both of these options, FTS5 3.53 garbles its index when a row is replaced in place.
 * The table of totals has no constraints, and rowids are counted there and not by AUTOINCREMENT: a statement that may fail
 * half-way makes SQLite set a savepoint, and at each savepoint FTS5 writes out what it has gathered, which would cost most
 * of the speed of a batch.
 */
export function fullTextSql(name: string): FullTextSql {
  const [doc, token, word, trigram, total] = ['doc', 'token', 'word', 'trigram', 'total'].map(
    (part) => `${name}_${part}`,
  ) as [string, string, string, string, string]
  const columns = 'd.rowid, d.id, d.length, d.terms, d.words, d.tags'
  return {
    exists: `SELECT 1 FROM sqlite_schema WHERE name = '${total}'`,
    create: `
      CREATE TABLE ${doc} (
        rowid INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, length INTEGER NOT NULL,
        terms TEXT NOT NULL, words TEXT NOT NULL, tags TEXT NOT NULL
      ) STRICT;
      CREATE TABLE ${word} (rowid INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE) STRICT;
      CREATE VIRTUAL TABLE ${token} USING fts5(
        terms, words, tags, content='${doc}', content_rowid='rowid', tokenize="ascii tokenchars '_='", detail=none, columnsize=0
      );
      CREATE VIRTUAL TABLE ${trigram} USING fts5(
        word, content='${word}', content_rowid='rowid', tokenize='trigram case_sensitive 1', detail=none, columnsize=0
      );
      CREATE TABLE ${total} (documents INTEGER, terms INTEGER, last_rowid INTEGER, last_word INTEGER);
      INSERT INTO ${total} VALUES (0, 0, 0, 0);
      INSERT INTO ${token} (${token}, rank) VALUES ('secure-delete', 1);
      INSERT INTO ${trigram} (${trigram}, rank) VALUES ('secure-delete', 1);`,
    clear: `
      INSERT INTO ${token} (${token}) VALUES ('delete-all');
      INSERT INTO ${trigram} (${trigram}) VALUES ('delete-all');
      DELETE FROM ${doc};
      DELETE FROM ${word};
      UPDATE ${total} SET documents = 0, terms = 0;`,
    find: `SELECT ${columns} FROM ${doc} AS d WHERE id = ?`,
    addDocument: `INSERT INTO ${doc} (rowid, id, length, terms, words, tags) VALUES (?, ?, ?, ?, ?, ?)`,
    addTokens: `INSERT INTO ${token} (rowid, terms, words, tags) VALUES (?, ?, ?, ?)`,
    removeDocument: `DELETE FROM ${doc} WHERE rowid = ?`,
    removeTokens: `INSERT INTO ${token} (${token}, rowid, terms, words, tags) VALUES ('delete', ?, ?, ?, ?)`,
    hasWord: `SELECT 1 FROM ${token} WHERE ${token} MATCH ? LIMIT 1`,
    findWord: `SELECT rowid FROM ${word} WHERE word = ?`,
    addWord: `INSERT INTO ${word} (rowid, word) VALUES (?, ?)`,
    addTrigrams: `INSERT INTO ${trigram} (rowid, word) VALUES (?, ?)`,
    removeWord: `DELETE FROM ${word} WHERE rowid = ?`,
    removeTrigrams: `INSERT INTO ${trigram} (${trigram}, rowid, word) VALUES ('delete', ?, ?)`,
    setTotals: `UPDATE ${total} SET documents = ?, terms = ?, last_rowid = ?, last_word = ?`,
    totals: `SELECT documents, terms, last_rowid, last_word FROM ${total}`,
    frequency: `SELECT count(*) AS n, min(rowid) AS low FROM
      (SELECT rowid FROM ${token} WHERE ${token} MATCH ? ORDER BY rowid DESC LIMIT ?)`,
    matches: `SELECT rowid FROM ${token} WHERE ${token} MATCH ? AND rowid > ? ORDER BY rowid DESC LIMIT ?`,
    matchesWithId: `SELECT hit.rowid, d.id FROM ${token} AS hit CROSS JOIN ${doc} AS d ON d.rowid = hit.rowid
      WHERE hit.${token} MATCH ? AND hit.rowid > ? ORDER BY hit.rowid DESC LIMIT ?`,
    documents: `SELECT ${columns} FROM json_each(?) AS wanted CROSS JOIN ${doc} AS d ON d.rowid = wanted.value`,
    rowids: `SELECT d.rowid FROM json_each(?) AS wanted CROSS JOIN ${doc} AS d ON d.id = wanted.value`,
    words: `SELECT w.word FROM ${trigram} AS hit CROSS JOIN ${word} AS w ON w.rowid = hit.rowid
      WHERE hit.${trigram} MATCH ? ORDER BY hit.rowid LIMIT ?`,
  }
}
