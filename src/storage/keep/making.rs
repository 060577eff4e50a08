//! A store in the making: written aside, and given its name once it is whole.
//!
//! What stays true: whatever stood under the name is there unchanged until the new store is whole, and it is replaced only where
//! that was asked for and no process has it open.

use crate::error::{Error, Result, printable};
use crate::storage::create;
use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::ops::Bound;
use std::path::{Path, PathBuf};

/// A file that will be at a path. Dropped before it is put there, it leaves nothing.
#[derive(Debug)]
pub(in crate::storage) struct Making {
    aside: PathBuf,
    path: PathBuf,
    /// The path as it was typed.
    named: PathBuf,
    replace: bool,
}

impl Making {
    /// Begins a file that will be at `path`, in place of what is there if `replace`.
    ///
    /// # Errors
    /// [`Error::Usage`] where something is there that is not to be replaced, or that is no regular file.
    pub(in crate::storage) fn begin(path: &Path, replace: bool) -> Result<Self> {
        let named = path.to_owned();
        // A rename would replace a link, not what it points to.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::symlink_metadata(&path) {
            Ok(meta) if !meta.is_file() => {
                return Err(Error::usage(format!("`{}` is there, and no regular file", shown(&named))));
            }
            Ok(_) if !replace => return Err(exists(&named)),
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(Error::io("look at", &named, e)),
        }
        create::sweep(&path);
        let aside = create::aside(&path, std::process::id())
            .ok_or_else(|| Error::usage(format!("`{}` is no name of a file", shown(&named))))?;
        Ok(Self { aside, path, named, replace })
    }

    /// Where it is written.
    pub(in crate::storage) fn aside(&self) -> &Path {
        &self.aside
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// [`Error::Busy`] where a process has open what is to be replaced; [`Error::Usage`] where somebody has put something there
    /// meanwhile; [`Error::Io`].
    pub(in crate::storage) fn put(self) -> Result<()> {
        if self.replace {
            // Whoever had it open would go on writing into a file without a name.
            let _held = hold_alone(&self.path)?;
            fs::rename(&self.aside, &self.path).map_err(|e| Error::io("put in place", &self.named, e))?;
        } else if let Err(e) = fs::hard_link(&self.aside, &self.path) {
            if e.kind() == ErrorKind::AlreadyExists || self.path.exists() {
                return Err(exists(&self.named));
            }
            // A file system without second names.
            fs::rename(&self.aside, &self.path).map_err(|e| Error::io("put in place", &self.named, e))?;
        }
        create::sync_folder(&self.path);
        Ok(())
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // There is none once it has its name. One that cannot be removed is swept away later.
        let _ = fs::remove_file(&self.aside);
    }
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

fn exists(path: &Path) -> Error {
    Error::usage_hint(format!("`{}` is there already", shown(path)), "name another file, or replace it with `--force`")
}

/// The bytes of the database's locking protocol that every process holds some of while it has a store open: the shared writer byte
/// and those behind it, up to the ones that are the backend's own.
const OPEN_BYTES: (Bound<u64>, Bound<u64>) = (Bound::Included((1 << 62) + 1), Bound::Excluded((1 << 62) + 896));

/// Keeps other processes from opening the store at `path` while the result lives. `None` where there is nothing, or no locks.
///
/// This reads nothing of the file, so it works for a damaged one.
///
/// # Errors
/// [`Error::Busy`] where a process has it open.
pub(in crate::storage) fn hold_alone(path: &Path) -> Result<Option<FileBackend>> {
    let file = match open_for_lock(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("lock", path, e)),
    };
    let backend = FileBackend::new(file).map_err(Error::from)?;
    match backend.try_lock_range(OPEN_BYTES.0, OPEN_BYTES.1) {
        Ok(true) => Ok(Some(backend)),
        Ok(false) => Err(Error::Busy {
            what: format!("another process has `{}` open", shown(path)),
            hint: Some("stop it, then try again".into()),
        }),
        Err(BackendError::Unsupported) => Ok(None),
        Err(BackendError::Io(e)) => Err(Error::io("lock", path, e)),
        Err(e) => Err(Error::Io { doing: format!("lock `{}`", shown(path)), source: std::io::Error::other(e) }),
    }
}

fn open_for_lock(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{OpenOptions, Store};

    #[test]
    fn a_file_replaces_another_only_where_that_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let make = |text: &str, replace| {
            let making = Making::begin(&path, replace)?;
            fs::write(making.aside(), text).unwrap();
            making.put()
        };
        make("one", false).unwrap();
        assert!(make("two", false).unwrap_err().to_string().contains("is there already"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        make("three", true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three");
        drop(Making::begin(&folder.path().join("b"), false).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left aside");
        assert!(Making::begin(folder.path(), true).is_err(), "a folder is not replaced");
    }

    #[test]
    fn what_somebody_puts_there_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let making = Making::begin(&path, false).unwrap();
        fs::write(making.aside(), "mine").unwrap();
        fs::write(&path, "theirs").unwrap();
        assert!(making.put().is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
    }

    #[test]
    fn a_store_that_is_open_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.redb");
        Store::open(&path, OpenOptions::write()).unwrap().close().unwrap();
        for options in [OpenOptions::write(), OpenOptions::read()] {
            let open = Store::open(&path, options).unwrap();
            assert!(matches!(hold_alone(&path), Err(Error::Busy { .. })));
            open.close().unwrap();
        }
        let held = hold_alone(&path).unwrap();
        assert!(matches!(Store::open(&path, OpenOptions::read()), Err(Error::Busy { .. })));
        drop(held);
        Store::open(&path, OpenOptions::read()).unwrap().close().unwrap();
    }
}
