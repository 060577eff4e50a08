//! The stores that are measured, each a command line: perfdb and the peers that are installed.

use super::options::Options;
use super::process::{self, Measured};
use super::set::{Kind, Set};
use super::{Result, devops, progress};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// From line protocol.
    Perfdb,
    /// From CSV, sorted by metric or host, then time.
    Duckdb,
    /// From CSV, clustered by metric or host, then time.
    Sqlite,
}

/// A store that can be run.
pub(crate) struct Contender {
    /// Which one.
    pub(crate) store: Store,
    /// Its name in tables.
    pub(crate) name: &'static str,
    /// Its command line.
    pub(crate) program: PathBuf,
    folder: PathBuf,
}

/// A store full of data.
pub(crate) struct Loaded {
    /// What filling it took.
    pub(crate) cost: Measured,
    /// Bytes of its file.
    pub(crate) bytes: u64,
}

impl Loaded {
    /// For a person who waits.
    pub(crate) fn describe(&self) -> String {
        let memory = self.cost.peak_bytes.map_or_else(|| "?".into(), |b| (b >> 20).to_string());
        let (wall, cpu) = (self.cost.wall_s, self.cost.cpu_s.unwrap_or(f64::NAN));
        format!("loaded in {wall:.2} s ({cpu:.2} s of CPU, {memory} MiB), {} bytes", self.bytes)
    }
}

/// perfdb and those peers that are there. Their stores go into `folder`.
pub(crate) fn all(options: &Options, folder: &Path) -> Vec<Contender> {
    let perfdb = options.perfdb.clone().unwrap_or_else(|| env!("CARGO_BIN_EXE_perfdb").into());
    let new = |store, name, program| Contender { store, name, program, folder: folder.into() };
    let mut all = vec![new(Store::Perfdb, "perfdb", perfdb)];
    for (store, name, program) in
        [(Store::Duckdb, "DuckDB", &options.duckdb), (Store::Sqlite, "SQLite", &options.sqlite)]
    {
        let there = process::output(Command::new(program).arg("--version")).is_ok();
        if there {
            all.push(new(store, name, program.clone()));
        } else {
            progress(&format!("{name} is not there: left out"));
        }
    }
    all
}

impl Contender {
    /// Its store.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join(format!("{}.store", self.name))
    }

    /// Fills its store from the text, durably.
    pub(crate) fn load(&self, set: &Set) -> Result<Loaded> {
        let file = self.file();
        if file.exists() {
            std::fs::remove_file(&file)?;
        }
        let cost = process::watch(&mut self.load_command(set, &file))?;
        let bytes = std::fs::metadata(&file)?.len();
        Ok(Loaded { cost, bytes })
    }

    fn load_command(&self, set: &Set, file: &Path) -> Command {
        let mut command = Command::new(&self.program);
        let (csv, table) = (set.csv.display(), table(set.kind));
        match self.store {
            Store::Perfdb => {
                command.arg("--db").arg(file).args(["ingest", "--quiet", "--format", "influx"]).arg(&set.lp)
            }
            Store::Duckdb => command.arg("-c").arg(format!(
                "ATTACH '{}' AS d (STORAGE_VERSION 'latest'); USE d; CREATE TABLE {table} AS SELECT * FROM \
                 read_csv('{csv}', header = true, columns = {{{}}}) ORDER BY {}; CHECKPOINT",
                file.display(),
                duckdb_columns(set.kind),
                order(set.kind)
            )),
            Store::Sqlite => {
                command.arg(file).arg(sqlite_schema(set.kind)).arg(format!(".import --csv --skip 1 \"{csv}\" {table}"))
            }
        };
        command
    }
}

/// The peers' table.
fn table(kind: Kind) -> &'static str {
    match kind {
        Kind::Agent => "agent",
        Kind::Devops => "cpu",
    }
}

fn order(kind: Kind) -> &'static str {
    match kind {
        Kind::Agent => "metric, ts",
        Kind::Devops => "hostname, ts",
    }
}

/// The columns of the CSV: texts, then numbers of type `number`.
fn columns(kind: Kind) -> (Vec<&'static str>, Vec<&'static str>, &'static str) {
    match kind {
        Kind::Agent => (vec!["metric", "agent", "host", "model", "phase"], vec!["value"], "DOUBLE"),
        Kind::Devops => (devops::LABELS.to_vec(), devops::FIELDS.to_vec(), "BIGINT"),
    }
}

fn duckdb_columns(kind: Kind) -> String {
    let (labels, values, number) = columns(kind);
    let labels = labels.iter().map(|c| format!("'{c}': 'VARCHAR'"));
    let values = values.iter().map(|c| format!("'{c}': '{number}'"));
    std::iter::once("'ts': 'BIGINT'".to_string()).chain(labels).chain(values).collect::<Vec<_>>().join(", ")
}

/// A table clustered by its key: SQLite's best for ranges of time.
fn sqlite_schema(kind: Kind) -> String {
    let (labels, values, number) = columns(kind);
    let labels = labels.iter().map(|c| format!("{c} TEXT"));
    let values = values.iter().map(|c| format!("{c} {number}"));
    let all = std::iter::once("ts INTEGER".to_string()).chain(labels).chain(values).collect::<Vec<_>>().join(", ");
    format!("CREATE TABLE {}({all}, PRIMARY KEY({})) WITHOUT ROWID", table(kind), order(kind))
}
