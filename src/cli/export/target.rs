//! A file that appears whole: written beside its name, and renamed at the end.

use crate::error::{Error, Result};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file in the making. Dropped before it is finished, it leaves nothing.
pub(super) struct Target {
    file: File,
    path: PathBuf,
    /// Where it is written; `None` of a device or a pipe, which is written to as it is.
    beside: Option<PathBuf>,
}

impl Target {
    /// Begins the file at `path`.
    pub(super) fn create(path: &Path) -> Result<Self> {
        // A rename would replace a device like `/dev/null`, or a link.
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let beside = match std::fs::metadata(&real) {
            Ok(meta) if !meta.is_file() => None,
            _ => {
                let mut name = real.as_os_str().to_owned();
                name.push(format!(".part-{}", std::process::id()));
                Some(PathBuf::from(name))
            }
        };
        let opened = match &beside {
            Some(beside) => File::create(beside),
            None => OpenOptions::new().write(true).open(&real),
        };
        let file = opened.map_err(|e| Error::io("write", path, e))?;
        Ok(Self { file, path: real, beside })
    }

    /// Gives the file its name.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if let Some(beside) = &self.beside {
            self.file.sync_all()?;
            std::fs::rename(beside, &self.path)?;
            self.beside = None;
        }
        Ok(())
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // Whether that worked nobody can be told.
            let _ = std::fs::remove_file(beside);
        }
    }
}
