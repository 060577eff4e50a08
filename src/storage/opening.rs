//! Before a store is open: what is at its path, how long to wait for others, and what a failure means.

use super::create;
use super::schema::{FORMAT_VERSION, META, Part, TableVisitor, visit_tables};
use super::store::OpenOptions;
use super::streams;
use crate::error::{Error, Result};
use redb::{Builder, ConcurrencyMode, DatabaseError, Key, TableDefinition, Value, WriteTransaction};
use std::path::Path;

/// The first bytes of every redb file.
const MAGIC: [u8; 9] = [b'r', b'e', b'd', b'b', 0x1A, 0x0A, 0xA9, 0x0D, 0x0A];

pub(super) fn builder(cache_len: usize) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(cache_len).set_concurrency_mode(ConcurrencyMode::MultiWriter);
    builder
}

/// Makes all tables, and writes down the format.
pub(super) fn create_tables(txn: &WriteTransaction) -> Result<()> {
    struct Create<'t>(&'t WriteTransaction);
    impl TableVisitor for Create<'_> {
        fn visit<K: Key + 'static, V: Value + 'static>(
            &mut self,
            table: TableDefinition<'static, K, V>,
            _: Part,
        ) -> Result<()> {
            self.0.open_table(table)?;
            Ok(())
        }
    }
    visit_tables(&mut Create(txn))?;
    let mut meta = txn.open_table(META)?;
    meta.insert("format", FORMAT_VERSION)?;
    meta.insert("id", streams::random() as u64)?;
    Ok(())
}

/// Looks at what is at `path` before the database does: opening a pipe would hang, and a foreign file deserves a clear answer. Says
/// whether there is anything.
pub(super) fn look_at(path: &Path, options: OpenOptions) -> Result<bool> {
    let shown = path.display();
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && options.write && options.create => return Ok(false),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::usage_hint(
                format!("there is no store at `{shown}`"),
                "make one with `perfdb ingest FILE`, or name another with `--db FILE`",
            ));
        }
        Err(e) => return Err(Error::io("open the store", path, e)),
    };
    let hint = "name a file with `--db FILE`";
    if meta.is_dir() {
        return Err(Error::usage_hint(format!("`{shown}` is a directory, not a store"), hint));
    }
    if !meta.is_file() {
        return Err(Error::usage_hint(format!("`{shown}` is a pipe, socket or device, not a store"), hint));
    }
    if meta.len() == 0 {
        if options.write && options.create {
            return Ok(false);
        }
        return Err(Error::usage_hint(
            format!("`{shown}` is an empty file, not a store"),
            "feed it: `perfdb ingest FILE`",
        ));
    }
    if options.write && has_second_name(&meta) {
        create::sweep(path);
    }
    let mut head = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| std::io::Read::read_to_end(&mut std::io::Read::take(file, MAGIC.len() as u64), &mut head))
        .map_err(|e| Error::io("open the store", path, e))?;
    if head != MAGIC {
        return Err(Error::usage_hint(
            format!("`{shown}` is not a store"),
            "is it an input file? `perfdb ingest FILE` and `perfdb query --from FILE` read those",
        ));
    }
    Ok(true)
}

/// Whether the file has another name too, as it has when the process that made it was killed right then.
#[cfg(unix)]
fn has_second_name(meta: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(meta) > 1
}

#[cfg(not(unix))]
fn has_second_name(_: &std::fs::Metadata) -> bool {
    false
}

pub(super) fn open_fault(path: &Path, e: DatabaseError) -> Error {
    match e {
        DatabaseError::Storage(redb::StorageError::Io(source)) => match Error::from(redb::StorageError::Io(source)) {
            Error::Io { source, .. } => Error::io("open the store", path, source),
            other => other,
        },
        other => other.into(),
    }
}
