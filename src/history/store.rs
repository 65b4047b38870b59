//! The file: one row a session, found by every name that it has, in the order of age, and by its words.

use super::words;
use crate::domain::ids::SessionId;
use crate::domain::state::past::Past;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Params, Row, Transaction, params};
use sha2::{Digest as _, Sha256};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Of this form. Another is made again from the journal, so there is nothing to migrate.
const FORMAT: i64 = 1;

/// What the file looks like. `age` is what ids sort by (`domain::ids`); words of three letters and more are found by `said`.
const SCHEMA: &str = "
    CREATE TABLE past (
        row INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        age TEXT NOT NULL,
        planner TEXT,
        department TEXT NOT NULL,
        report_age TEXT,
        report_for TEXT,
        ended INTEGER,
        words TEXT NOT NULL,
        files TEXT NOT NULL,
        sum BLOB NOT NULL,
        data BLOB NOT NULL
    );
    CREATE INDEX past_age ON past (age, id);
    CREATE INDEX past_planner ON past (planner, age);
    CREATE INDEX past_report ON past (report_for, report_age);
    CREATE INDEX past_department ON past (department, age);
    CREATE TABLE names (name TEXT NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (name, row)) WITHOUT ROWID;
    CREATE INDEX names_row ON names (row);
    CREATE VIRTUAL TABLE said USING fts5 (words, files, content='past', content_rowid='row', tokenize='trigram');
";

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite says no.
    #[error("{}: {source}", file.display())]
    Sqlite {
        /// The file.
        file: PathBuf,
        /// What it said.
        #[source]
        source: rusqlite::Error,
    },
    /// The file cannot be made.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is of another version.
    #[error("{} has form {found}, this version of zhongshu has {FORMAT}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// The form it has.
        found: i64,
    },
    /// A row is not what was written.
    #[error("{}: what is kept of {id} is damaged", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Of which session.
        id: String,
    },
}

impl StoreError {
    /// Whether the file is to be made again. What is full or cannot be reached now may be sound.
    pub fn is_damage(&self) -> bool {
        let Self::Sqlite { source, .. } = self else {
            return matches!(self, Self::Damaged { .. } | Self::Format { .. });
        };
        let code = source.sqlite_error_code();
        let is_damage = |code| matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase);
        code.is_none_or(is_damage)
    }
}

/// Whose sessions are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// All.
    All,
    /// Planners.
    Planners,
    /// Departments of a planner.
    DepartmentsOf(&'a str),
    /// Departments whose report goes to a planner; in the order of reports.
    ReportsTo(&'a str),
}

/// What is looked for, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Find<'a> {
    /// Whose.
    pub kind: Kind<'a>,
    /// Older than the session (with [`Kind::ReportsTo`] the report) of this id.
    pub before: Option<&'a str>,
    /// At most so many.
    pub limit: usize,
    /// Of this department.
    pub department: Option<&'a str>,
    /// In which this was said.
    pub text: Option<&'a str>,
    /// That were about a file whose path has this in it.
    pub file: Option<&'a str>,
    /// That ended at or after this moment, in milliseconds since 1970.
    pub since: Option<i64>,
    /// That ended before this moment, in milliseconds since 1970.
    pub until: Option<i64>,
}

impl<'a> Find<'a> {
    /// So many of a kind, the newest or those older than one.
    pub const fn newest(kind: Kind<'a>, before: Option<&'a str>, limit: usize) -> Self {
        Self {
            kind,
            before,
            limit,
            department: None,
            text: None,
            file: None,
            since: None,
            until: None,
        }
    }
}

/// The file, open.
#[derive(Debug)]
pub struct Store {
    file: PathBuf,
    connection: Connection,
}

impl Store {
    /// Opens the file, and makes it where there is none.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io {
            file: file.to_owned(),
            source,
        };
        // SQLite gives its journal the mode of the file.
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).mode(0o600);
        drop(options.open(file).map_err(io)?);
        let failed = |source| StoreError::Sqlite {
            file: file.to_owned(),
            source,
        };
        let connection = Connection::open(file).map_err(failed)?;
        let found = prepare(&connection).map_err(failed)?;
        if found != FORMAT {
            let file = file.to_owned();
            return Err(StoreError::Format { file, found });
        }
        let file = file.to_owned();
        Ok(Self { file, connection })
    }

    /// How many sessions there are.
    pub fn count(&self) -> Result<usize, StoreError> {
        self.number("SELECT count(*) FROM past", [])
    }

    /// Keeps sessions, in place of what was kept of them before; all or none.
    pub fn put(&mut self, all: &[Past]) -> Result<(), StoreError> {
        self.change(|change| {
            for past in all {
                forget(change, past.id())?;
                keep(change, past)?;
            }
            Ok(())
        })
    }

    /// Forgets sessions; all or none.
    pub fn remove<'a>(
        &mut self,
        ids: impl IntoIterator<Item = &'a SessionId>,
    ) -> Result<(), StoreError> {
        self.change(|change| ids.into_iter().try_for_each(|id| forget(change, id)))
    }

    /// The session of this name.
    pub fn named(&self, name: &str) -> Result<Option<Past>, StoreError> {
        let sql = "SELECT id, sum, data FROM past WHERE row = (SELECT max(row) FROM names WHERE name = ?1)";
        let mut found = self.rows(sql, params![name])?;
        Ok(found.pop())
    }

    /// Whether a session has this name.
    pub fn has(&self, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT count(*) FROM names WHERE name = ?1";
        Ok(self.number(sql, params![name])? > 0)
    }

    /// The newest of those that are looked for, and how many there are besides.
    pub fn page(&self, find: &Find<'_>) -> Result<(Vec<Past>, usize), StoreError> {
        let (wanted, values) = wanted(find);
        let order = match find.kind {
            Kind::ReportsTo(_) => "report_age",
            _ => "age",
        };
        let limit = find.limit;
        let page = format!(
            "SELECT id, sum, data FROM past WHERE {wanted} ORDER BY {order} DESC LIMIT {limit}"
        );
        let count = format!("SELECT count(*) FROM past WHERE {wanted}");
        let found = self.rows(&page, rusqlite::params_from_iter(&values))?;
        let all = self.number(&count, rusqlite::params_from_iter(&values))?;
        let older = all.saturating_sub(found.len());
        Ok((found, older))
    }

    fn number(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        let prepared = self.connection.prepare_cached(sql);
        let number = prepared.and_then(|mut it| it.query_row(params, |row| row.get::<_, i64>(0)));
        let number = number.map_err(|it| self.failed(it))?;
        Ok(usize::try_from(number).unwrap_or(0))
    }

    fn rows(&self, sql: &str, params: impl Params) -> Result<Vec<Past>, StoreError> {
        let failed = |it| self.failed(it);
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let mut prepared = self.connection.prepare_cached(sql).map_err(failed)?;
        let rows = prepared.query_map(params, read).map_err(failed)?;
        let read_back = |row: rusqlite::Result<(String, Vec<u8>, Vec<u8>)>| {
            let (id, sum, data) = row.map_err(failed)?;
            let is_whole = Sha256::digest(&data).as_slice() == sum;
            let past = is_whole
                .then(|| serde_json::from_slice(&data).ok())
                .flatten();
            past.ok_or_else(|| StoreError::Damaged {
                file: self.file.clone(),
                id,
            })
        };
        rows.map(read_back).collect()
    }

    fn change(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        let file = self.file.clone();
        let failed = |source| StoreError::Sqlite { file, source };
        let change = || {
            let change = self.connection.transaction()?;
            work(&change)?;
            change.commit()
        };
        change().map_err(failed)
    }

    fn failed(&self, source: rusqlite::Error) -> StoreError {
        StoreError::Sqlite {
            file: self.file.clone(),
            source,
        }
    }
}

/// Makes a connection ready, and its tables where there are none. The form that it has.
fn prepare(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    // What a power cut takes of the newest is made again from the journal.
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "cache_size", -1024)?;
    connection.set_prepared_statement_cache_capacity(32);
    let form = "SELECT user_version FROM pragma_user_version";
    let found = connection.query_row(form, [], |row| row.get(0))?;
    let is_new = "SELECT count(*) = 0 FROM sqlite_schema";
    if found == 0 && connection.query_row(is_new, [], |row| row.get(0))? {
        connection.execute_batch(&format!(
            "BEGIN; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;"
        ))?;
        return Ok(FORMAT);
    }
    Ok(found)
}

/// What ids sort by: the time in them, and only then the rest.
fn age(id: &str) -> String {
    let made = id.rsplit('-').next().unwrap_or(id);
    format!("{made} {id}")
}

fn keep(change: &Transaction<'_>, past: &Past) -> rusqlite::Result<()> {
    let session = &past.session;
    let data = serde_json::to_vec(past)
        .map_err(|it| rusqlite::Error::ToSqlConversionFailure(Box::new(it)))?;
    let planner = match session.is_planner() {
        true => None,
        false => session
            .brief
            .parent_session_id
            .as_ref()
            .map_or("", SessionId::as_str)
            .into(),
    };
    let report = past.report.as_ref().map(|it| age(it.report_id.as_str()));
    let (words, files) = (words::of(past), words::files(past));
    let mut row = change.prepare_cached(
        "INSERT INTO past (id, age, planner, department, report_age, report_for, ended, words, files, sum, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    row.execute(params![
        past.id().as_str(),
        age(past.id().as_str()),
        planner,
        session.brief.department,
        report,
        past.report_planner().map(SessionId::as_str),
        session.ended_at().map(|it| it.timestamp_millis()),
        words,
        files,
        Sha256::digest(&data).as_slice(),
        data,
    ])?;
    let row = change.last_insert_rowid();
    let mut said =
        change.prepare_cached("INSERT INTO said (rowid, words, files) VALUES (?1, ?2, ?3)")?;
    said.execute(params![row, words, files])?;
    let mut named =
        change.prepare_cached("INSERT OR IGNORE INTO names (name, row) VALUES (?1, ?2)")?;
    names(past).try_for_each(|name| named.execute(params![name, row]).map(drop))
}

/// Every name that it is found by.
fn names(past: &Past) -> impl Iterator<Item = &str> {
    let session = &past.session;
    let report = past.report.as_ref().map(|it| it.report_id.as_str());
    let assignments = past
        .assignments
        .iter()
        .map(|it| it.order.assignment_id.as_str());
    let forks = session.thread_state.forks.iter().map(String::as_str);
    [
        Some(past.id().as_str()),
        session.thread_id.as_deref(),
        report,
    ]
    .into_iter()
    .flatten()
    .chain(assignments)
    .chain(forks)
}

fn forget(change: &Transaction<'_>, id: &SessionId) -> rusqlite::Result<()> {
    let mut find = change.prepare_cached("SELECT row, words, files FROM past WHERE id = ?1")?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found: Option<(i64, String, String)> = find.query_row([id.as_str()], read).optional()?;
    let Some((row, words, files)) = found else {
        return Ok(());
    };
    // An index that holds no text of its own has to be told what it forgets.
    let mut said = change.prepare_cached(
        "INSERT INTO said (said, rowid, words, files) VALUES ('delete', ?1, ?2, ?3)",
    )?;
    said.execute(params![row, words, files])?;
    change
        .prepare_cached("DELETE FROM names WHERE row = ?1")?
        .execute([row])?;
    change
        .prepare_cached("DELETE FROM past WHERE row = ?1")?
        .execute([row])?;
    Ok(())
}

/// The condition, with its values in order.
fn wanted(find: &Find<'_>) -> (String, Vec<Value>) {
    let (mut conditions, mut values) = (Vec::new(), Vec::new());
    let text = |it: &str| Value::Text(it.to_owned());
    let mut want = |condition: &str, value: Option<Value>| {
        if let Some(value) = value {
            conditions.push(condition.to_owned());
            values.push(value);
        }
    };
    let before = find.before.map(|it| Value::Text(age(it)));
    match find.kind {
        Kind::All => want("age < ?", before),
        Kind::Planners => {
            want("planner IS ?", Some(Value::Null));
            want("age < ?", before);
        }
        Kind::DepartmentsOf(planner) => {
            want("planner = ?", Some(text(planner)));
            want("age < ?", before);
        }
        Kind::ReportsTo(planner) => {
            want("report_for = ?", Some(text(planner)));
            want("report_age < ?", before);
        }
    }
    want("department = ?", find.department.map(text));
    want("ended >= ?", find.since.map(Value::Integer));
    want("ended < ?", find.until.map(Value::Integer));
    for (column, looked_for) in [("words", find.text), ("files", find.file)] {
        let Some(looked_for) = looked_for else {
            continue;
        };
        // Less than three letters are in no index.
        match looked_for.chars().count() < 3 {
            true => {
                let escaped = looked_for
                    .replace('\\', "\\\\")
                    .replace('%', "\\%")
                    .replace('_', "\\_");
                let part = format!("%{escaped}%");
                want(
                    &format!("{column} LIKE ? ESCAPE '\\'"),
                    Some(Value::Text(part)),
                );
            }
            false => {
                let quoted = looked_for.replace('"', "\"\"");
                let phrase = Value::Text(format!("{column} : \"{quoted}\""));
                want(
                    "row IN (SELECT rowid FROM said WHERE said MATCH ?)",
                    Some(phrase),
                );
            }
        }
    }
    match conditions.is_empty() {
        true => ("1".to_owned(), values),
        false => (conditions.join(" AND "), values),
    }
}
