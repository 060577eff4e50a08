//! Small records of the catalog: encoded by bincode, followed by the CRC-32 of key and record. Sample data never comes here.

use crate::codec::crc32;
use crate::error::{Error, Result};
use crate::model::{Labels, MetricMeta};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct MetricRecord {
    pub(super) name: String,
    pub(super) meta: MetricMeta,
}

/// One ingest that is in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestRecord {
    /// Where the samples came from, as it was named.
    pub source: String,
    /// When it was ingested, ns since the Unix epoch.
    pub time: i64,
    /// Samples that it added.
    pub samples: u64,
    /// Time of its first sample, ns.
    pub first: i64,
    /// Time of its last sample, ns.
    pub last: i64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Hash of the bytes and of every option that changes their meaning, or of the producer's key; `None` where it may come again.
    pub hash: Option<u128>,
    /// A random name that it keeps in every copy of the store and wherever it is merged to.
    pub uid: u128,
}

/// An ingest that is not complete, and the process that is at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PendingRecord {
    pub(super) source: String,
    pub(super) owner: Owner,
}

/// A process, told apart from a later one with the same number by when it started and where its numbers count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) pid: u32,
    /// Start of the process in the kernel's own count, 0 where unknown.
    pub(super) started: u64,
    /// Name of the boot and of the process namespace; processes elsewhere cannot be seen from here.
    pub(super) place: String,
}

impl Owner {
    /// This process.
    pub(super) fn this_process() -> Self {
        let pid = std::process::id();
        Self { pid, started: start_of(pid).unwrap_or(0), place: place() }
    }

    /// A process that has ended.
    #[cfg(test)]
    pub(super) fn ended() -> Self {
        Self { started: u64::MAX, ..Self::this_process() }
    }

    /// Whether the process has certainly ended. One that cannot be seen from here counts as alive.
    pub(super) fn has_ended(&self) -> bool {
        if self.place != place() {
            // Another boot of the same machine ended all of its processes; another namespace tells nothing.
            let boot = |place: &str| place.split(' ').next().map(str::to_owned);
            return !self.place.is_empty() && boot(&self.place) != boot(&place());
        }
        start_of(self.pid) != Some(self.started)
    }
}

/// Whether there is a process `pid`.
pub(super) fn is_alive(pid: u32) -> bool {
    start_of(pid).is_some()
}

/// When process `pid` started, in clock ticks since boot (Linux) or seconds since the epoch. `None` when there is no such process.
fn start_of(pid: u32) -> Option<u64> {
    if cfg!(target_os = "linux") {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything: the fields after it are counted from its end.
        let fields = stat.rsplit_once(')')?.1;
        if fields.split_whitespace().next() == Some("Z") {
            return None;
        }
        fields.split_whitespace().nth(19)?.parse().ok()
    } else {
        let pid = sysinfo::Pid::from_u32(pid);
        let mut system = sysinfo::System::new().ok()?;
        system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[pid]), true);
        system.process(pid).map(sysinfo::Process::start_time)
    }
}

fn place() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").map(|p| p.display().to_string()).unwrap_or_default();
    format!("{} {namespace}", boot.trim())
}

/// The record as bytes, with its checksum.
pub(super) fn to_bytes<T: Serialize>(key: &[u8], record: &T) -> Result<Vec<u8>> {
    let mut out = bincode::serde::encode_to_vec(record, bincode::config::standard())
        .map_err(|e| Error::Bug(format!("a record that cannot be encoded: {e}")))?;
    let crc = crc32(&[key, &out]);
    out.extend_from_slice(&crc.to_le_bytes());
    Ok(out)
}

/// The record of `bytes`.
pub(super) fn from_bytes<T: DeserializeOwned>(what: &str, key: &[u8], bytes: &[u8]) -> Result<T> {
    let body = checked(what, key, bytes)?;
    match bincode::serde::decode_from_slice(body, bincode::config::standard().with_limit::<{ 64 << 20 }>()) {
        Ok((record, used)) if used == body.len() => Ok(record),
        _ => Err(Error::corrupt(format!("the record of {what}: it cannot be decoded"))),
    }
}

/// `bytes` without the checksum at their end, which must be right.
pub(super) fn checked<'a>(what: &str, key: &[u8], bytes: &'a [u8]) -> Result<&'a [u8]> {
    let damaged = || Error::corrupt(format!("the record of {what}: its checksum differs"));
    let (body, crc) = bytes.split_last_chunk::<4>().ok_or_else(damaged)?;
    if crc32(&[key, body]) == u32::from_le_bytes(*crc) { Ok(body) } else { Err(damaged()) }
}

/// Labels as bytes: how many, then key and value of each, each as length and bytes; then the checksum.
pub(super) fn labels_to_bytes(key: &[u8], labels: &Labels) -> Vec<u8> {
    let mut out = labels_body(labels);
    let crc = crc32(&[key, &out]);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

/// Labels as bytes without a checksum: what a series is told apart by.
pub(super) fn labels_body(labels: &Labels) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    crate::codec::put_varint(&mut out, labels.count() as u64);
    for (k, v) in labels.iter() {
        for text in [k, v] {
            crate::codec::put_varint(&mut out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        }
    }
    out
}

/// The labels of `bytes`.
pub(super) fn labels_from_bytes(key: &[u8], bytes: &[u8]) -> Result<Labels> {
    let body = checked("a series", key, bytes)?;
    let damaged = || Error::corrupt("the record of a series: it cannot be decoded");
    let mut reader = crate::codec::Reader(body);
    let count = reader.varint().map_err(|_| damaged())?;
    let mut text = || -> Result<Box<str>> {
        let len = reader.varint().map_err(|_| damaged())?;
        let bytes = reader.bytes(usize::try_from(len).map_err(|_| damaged())?).map_err(|_| damaged())?;
        std::str::from_utf8(bytes).map(Into::into).map_err(|_| damaged())
    };
    let mut pairs = Vec::new();
    for _ in 0..count {
        pairs.push((text()?, text()?));
    }
    Labels::new(pairs).map_err(|_| damaged())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_not_ended_and_an_impossible_one_has() {
        assert!(!Owner::this_process().has_ended());
        assert!(Owner::ended().has_ended());
    }

    #[test]
    fn labels_come_back_and_a_flipped_bit_is_noticed() {
        let labels = Labels::new([("agent", "scout"), ("host", "ü")]).unwrap();
        let bytes = labels_to_bytes(b"k", &labels);
        assert_eq!(labels_from_bytes(b"k", &bytes).unwrap(), labels);
        for i in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[i] ^= 4;
            assert!(labels_from_bytes(b"k", &broken).is_err());
        }
        assert!(labels_from_bytes(b"other", &bytes).is_err());
    }
}
