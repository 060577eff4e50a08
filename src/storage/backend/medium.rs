//! What a store lies on: a file, or in tests an image in memory that can be made to fail.

use redb::StorageBackend;
use redb::backends::FileBackend;
use std::fmt::Debug;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

/// What a store lies on. It can be opened any number of times at once, each time with locks of its own.
pub(in crate::storage) trait Medium: Debug + Send + Sync {
    /// Where it is, in words.
    fn path(&self) -> &Path;

    /// Opens it for reading, or also for writing; `create` makes what is not there.
    fn open(&self, write: bool, create: bool) -> io::Result<Box<dyn StorageBackend>>;

    /// Its length in bytes, 0 where that cannot be told.
    fn len(&self) -> u64;
}

/// A file.
#[derive(Debug)]
pub(in crate::storage) struct OnFile(pub(in crate::storage) PathBuf);

impl Medium for OnFile {
    fn path(&self) -> &Path {
        &self.0
    }

    fn open(&self, write: bool, create: bool) -> io::Result<Box<dyn StorageBackend>> {
        let file = OpenOptions::new().read(true).write(write).create(write && create).truncate(false).open(&self.0)?;
        Ok(Box::new(FileBackend::new(file).map_err(io::Error::other)?))
    }

    fn len(&self) -> u64 {
        std::fs::metadata(&self.0).map_or(0, |meta| meta.len())
    }
}
