//! What redb reports, in the words of [`Error`].

use super::backend::Held;
use crate::error::Error;
use std::io::ErrorKind;

fn from_io(source: std::io::Error) -> Error {
    if let Some(held) = source.get_ref().and_then(|inner| inner.downcast_ref::<Held>()) {
        return held.to_error();
    }
    match source.kind() {
        // The file is shorter than its own header says, or is no database at all.
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData => Error::corrupt(format!("the store's file: {source}")),
        _ => Error::Io { doing: "read or write the store".into(), source },
    }
}

impl From<redb::StorageError> for Error {
    fn from(e: redb::StorageError) -> Self {
        match e {
            redb::StorageError::Io(source) => from_io(source),
            redb::StorageError::Corrupted(what) => Self::corrupt(format!("the store's file: {what}")),
            redb::StorageError::PreviousIo => Self::Io {
                doing: "go on with the store".into(),
                source: std::io::Error::other("an earlier read or write of it failed"),
            },
            redb::StorageError::Unsupported => Self::usage_hint(
                "the store is on a file system without locks of byte ranges, which keep processes apart",
                "put the store on a local disk",
            ),
            other => Self::Bug(format!("the store: {other}")),
        }
    }
}

impl From<redb::BackendError> for Error {
    fn from(e: redb::BackendError) -> Self {
        redb::StorageError::from(e).into()
    }
}

impl From<redb::TableError> for Error {
    fn from(e: redb::TableError) -> Self {
        match e {
            redb::TableError::Storage(e) => e.into(),
            other => Self::corrupt(format!("the store's tables: {other}")),
        }
    }
}

impl From<redb::CommitError> for Error {
    fn from(e: redb::CommitError) -> Self {
        match e {
            redb::CommitError::Storage(e) => e.into(),
            other => Self::Bug(format!("a commit: {other}")),
        }
    }
}

impl From<redb::TransactionError> for Error {
    fn from(e: redb::TransactionError) -> Self {
        match e {
            redb::TransactionError::Storage(e) => e.into(),
            other => Self::Bug(format!("a transaction: {other}")),
        }
    }
}

impl From<redb::DatabaseError> for Error {
    fn from(e: redb::DatabaseError) -> Self {
        match e {
            redb::DatabaseError::Storage(e) => e.into(),
            redb::DatabaseError::DatabaseAlreadyOpen => {
                Self::Busy { what: "another process has the store to itself".into(), hint: None }
            }
            redb::DatabaseError::LockProtocolMismatch => Self::Busy {
                what: "another process has the store open with another version of the locking protocol".into(),
                hint: Some("end that process, or use the version of perfdb that it is of".into()),
            },
            redb::DatabaseError::UpgradeRequired(version) => {
                Self::usage(format!("the store's file has database format {version}, which this version cannot read"))
            }
            other => Self::Bug(format!("opening the store: {other}")),
        }
    }
}
