//! What an input is remembered by: the hash of its bytes and of everything that changes their meaning, or of the name that its
//! producer gave it.

use super::Job;
use crate::error::Result;
use crate::ingest::Format;
use crate::model::Cancel;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use twox_hash::xxhash3_128::Hasher;

/// A hash in the making, shared with the reader whose bytes it is of.
#[derive(Clone)]
pub(super) struct Hash(Arc<Mutex<Hasher>>);

impl Hash {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Hasher::new())))
    }

    /// `reader`, whose bytes are hashed as they are read.
    pub(super) fn wrap(&self, reader: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        Box::new(Hashing { reader, hash: self.clone() })
    }

    fn write(&self, bytes: &[u8]) {
        // A hasher is whole after every call on it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes);
    }

    /// The hash of all bytes and of what they mean to `job`, read as `format`.
    pub(super) fn finish(&self, job: &Job<'_>, format: Format) -> u128 {
        let mut hasher = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let units: Vec<String> = job.typed.reading.unit.iter().map(|u| format!("{:?}={}", u.metric, u.unit)).collect();
        hasher.write(format!("\0{format} {} unit={units:?}", job.read.meaning()).as_bytes());
        hasher.finish_128()
    }
}

/// The hash of the name that a producer gave.
pub(super) fn of_key(key: &str) -> u128 {
    let mut hasher = Hasher::new();
    hasher.write(b"id\0");
    hasher.write(key.as_bytes());
    hasher.finish_128()
}

/// Hashes all of `reader`.
pub(super) fn of_all(mut reader: Box<dyn Read + Send>, cancel: &Cancel) -> Result<io::Result<Hash>> {
    let hash = Hash::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        cancel.check()?;
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(Ok(hash)),
            Ok(count) => hash.write(&buffer[..count]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Ok(Err(e)),
        }
    }
}

struct Hashing {
    reader: Box<dyn Read + Send>,
    hash: Hash,
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.hash.write(&buffer[..count]);
        Ok(count)
    }
}
