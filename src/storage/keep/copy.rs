//! A copy of a store: all of it as it was at one moment, while others read and write.
//!
//! What stays true: a copy comes from one read transaction, holds nothing of an ingest that is not complete, and gets its name only
//! after it was read back and found to be the same. Samples are copied as they are encoded.

use super::Making;
use super::left_out::LeftOut;
use super::transfer::{Copier, ReadBack, Steps, entries};
use crate::error::{Error, Result};
use crate::model::{Cancel, NoProgress, Progress};
use crate::storage::check::{self, Depth};
use crate::storage::opened::give_back;
use crate::storage::opening::{builder, open_fault};
use crate::storage::schema::visit_tables;
use crate::storage::{OpenOptions, Store};
use redb::{ReadTransaction, ReadableDatabase};
use std::path::Path;
use std::time::Duration;

/// Memory for pages of the copy, which are written once and read once.
const CACHE_LEN: usize = 64 << 20;

/// What a copy holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copied {
    /// Samples, those in the log among them.
    pub samples: u64,
    /// Chunks.
    pub chunks: u64,
    /// Bytes of the file.
    pub file_len: u64,
}

impl Store {
    /// Makes a copy of this store at `path`, in place of what is there if `replace`, and verifies it.
    ///
    /// # Errors
    /// [`Error::Usage`] where something is there that is not to be replaced; [`Error::Corrupt`] where this store is damaged, and
    /// no copy is made then; [`Error::Busy`], [`Error::Io`], cancellation.
    pub fn copy_to(&self, path: &Path, replace: bool, progress: &dyn Progress, cancel: &Cancel) -> Result<Copied> {
        if is_same_file(self.path(), path) {
            return Err(Error::usage(format!("`{}` is the store itself", path.display())));
        }
        let making = Making::begin(path, replace)?;
        let copied = copy(&self.begin_read()?, making.aside(), progress, cancel).map_err(|e| self.naming(e))?;
        making.put()?;
        Ok(copied)
    }

    /// `error` about damage, saying of which store.
    fn naming(&self, error: Error) -> Error {
        match error {
            Error::Corrupt { what } => Error::corrupt(format!(
                "{what}; a copy of `{}` would be as damaged, so none was made",
                self.path().display()
            )),
            other => other,
        }
    }
}

/// Puts a copy of the store `snapshot` at `path`, in place of what is there if `replace`, and verifies it. Waits for other processes
/// up to `wait`.
///
/// # Errors
/// As for [`Store::copy_to`]; [`Error::Busy`] also where a process has open what is to be replaced.
pub fn restore(
    snapshot: &Path,
    path: &Path,
    replace: bool,
    wait: Duration,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Copied> {
    let from = Store::open(snapshot, OpenOptions { wait, ..OpenOptions::read() })?;
    if replace && !is_same_file(snapshot, path) {
        // Better told now than after all of the work.
        drop(super::making::hold_alone(path)?);
    }
    let copied = from.copy_to(path, replace, progress, cancel)?;
    from.close()?;
    Ok(copied)
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((std::fs::canonicalize(a), std::fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

fn copy(from: &ReadTransaction, path: &Path, progress: &dyn Progress, cancel: &Cancel) -> Result<Copied> {
    let left_out = LeftOut::of(from)?;
    let db = builder(CACHE_LEN).create(path).map_err(|e| open_fault(path, e))?;
    let txn = db.begin_write()?;
    let mut steps = Steps { progress, cancel, done: 0, total: 2 * entries(from)? };
    let digests = {
        let mut copier = Copier { from, to: &txn, left_out: &left_out, steps: &mut steps, digests: Vec::new() };
        visit_tables(&mut copier)?;
        copier.digests
    };
    txn.commit()?;
    db.close()?;

    // Opened anew, so that it is the file that is read and not what is remembered of it.
    let mut db = builder(CACHE_LEN).open(path).map_err(|e| open_fault(path, e))?;
    let txn = db.begin_read()?;
    let mut reader = ReadBack { from: &txn, steps: &mut steps, digests: Vec::new() };
    visit_tables(&mut reader)?;
    if reader.digests != digests {
        return Err(Error::Io {
            doing: format!("copy the store to `{}`", path.display()),
            source: std::io::Error::other("what was written reads back differently"),
        });
    }
    drop(txn);
    left_out.forget_the_rest(&db)?;
    let report = check::walk(&db.begin_read()?, Depth::Checksums, &NoProgress, cancel)?;
    if let Some(what) = report.damages.first() {
        return Err(Error::corrupt(what.clone()));
    }
    let len = |path| std::fs::metadata(path).map_or(0, |m| m.len());
    give_back(&mut db, len(path))?;
    db.close()?;
    Ok(Copied { samples: report.samples, chunks: report.chunks, file_len: len(path) })
}
