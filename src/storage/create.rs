//! Making a store: aside, complete with its tables, and only then under its name.
//!
//! What stays true: a process killed at any moment leaves a store or none. A file that the database began under its own name and
//! did not finish could never be opened again.

use super::backend::{Deadline, Medium, OnFile, SharedFile};
use super::opening::{builder, create_tables, open_fault};
use super::records;
use crate::error::{Error, Result};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Makes a store at `path`, unless another process is first. Where a file cannot get a second name, this does nothing, and the
/// database makes it in place.
pub(super) fn create(path: &Path) -> Result<()> {
    sweep(path);
    let Some(aside) = aside(path, std::process::id()) else { return Ok(()) };
    let made = make(&OnFile(aside.clone())).map_err(|e| match e {
        Error::Io { source, .. } => Error::io("make the store", path, source),
        other => other,
    });
    if made.is_ok() && fs::hard_link(&aside, path).is_ok() {
        sync_folder(path);
    }
    // One that cannot be removed is swept away later.
    let _ = fs::remove_file(&aside);
    made
}

/// Makes a store on `medium`, where nothing is and nobody else comes.
pub(super) fn make(medium: &dyn Medium) -> Result<()> {
    let backend = medium.open(true, true).map_err(|e| Error::io("make the store", medium.path(), e))?;
    let (backend, _) = SharedFile::new(backend, medium.path(), Duration::ZERO, Deadline::after(Duration::ZERO));
    let db = builder(1 << 20).create_with_backend(backend).map_err(|e| open_fault(medium.path(), e))?;
    let txn = db.begin_write()?;
    create_tables(&txn)?;
    txn.commit()?;
    Ok(db.close()?)
}

/// What process `pid` calls a store in the making.
pub(super) fn aside(path: &Path, pid: u32) -> Option<PathBuf> {
    let mut name = OsString::from(path.file_name()?);
    name.push(format!(".{pid}.tmp"));
    Some(path.with_file_name(name))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Has the new name survive a loss of power, as far as the system can do that.
pub(super) fn sync_folder(path: &Path) {
    if let Ok(folder) = fs::File::open(folder(path)) {
        let _ = folder.sync_all();
    }
}

/// Removes what killed processes left of making this store. What cannot be removed does no harm.
pub(super) fn sweep(path: &Path) {
    let Ok(entries) = fs::read_dir(folder(path)) else { return };
    for entry in entries.filter_map(Result::ok) {
        if let Some(pid) = maker(path, &entry.file_name().to_string_lossy())
            && !records::is_alive(pid)
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The process that would call the store at `path` by `name` while it makes it.
fn maker(path: &Path, name: &str) -> Option<u32> {
    let own = path.file_name()?.to_str()?;
    name.strip_prefix(own)?.strip_prefix('.')?.strip_suffix(".tmp")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_maker_left_is_swept_and_all_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.redb");
        // No process has the largest number.
        let left = aside(&path, u32::MAX).unwrap();
        let ours = aside(&path, std::process::id()).unwrap();
        let other = folder.path().join("a.redb.notes.tmp");
        for path in [&left, &ours, &other] {
            fs::write(path, "x").unwrap();
        }
        sweep(&path);
        assert_eq!([left.exists(), ours.exists(), other.exists()], [false, true, true]);
    }

    #[test]
    fn making_a_store_that_is_there_leaves_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.redb");
        fs::write(&path, "mine").unwrap();
        create(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
