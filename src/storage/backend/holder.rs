//! Who holds a lock: on Linux the kernel tells for each open file of each process that may be looked at.

use super::Span;
use std::path::Path;

/// A process that holds what another one waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) pid: u32,
    /// Its program, and the command of it where that shows.
    pub(super) command: String,
    /// Whether it stands still until somebody lets it go on.
    pub(super) stopped: bool,
}

/// The process that keeps others from locking `span` of the file at `path`: with `alone` any that holds a lock there, else one that
/// has it to itself. `None` where that cannot be found out, or where nobody does any more.
#[cfg(target_os = "linux")]
pub(super) fn find(path: &Path, span: Span, alone: bool) -> Option<Holder> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path).ok()?;
    let processes = std::fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let holds = |pid: &u32| {
        let Ok(open) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
        open.filter_map(Result::ok).any(|entry| {
            let same = std::fs::metadata(entry.path()).is_ok_and(|m| (m.dev(), m.ino()) == (file.dev(), file.ino()));
            let info = || std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{}", entry.file_name().display()));
            same && info().is_ok_and(|info| info.lines().any(|line| conflicts(line, span, alone)))
        })
    };
    // This process may hold it too, through another handle, but more is learnt from any other.
    let own = std::process::id();
    let pid = pids.filter(holds).max_by_key(|pid| *pid != own)?;
    Some(Holder { pid, command: command_of(pid), stopped: is_stopped(pid) })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn find(_: &Path, _: Span, _: bool) -> Option<Holder> {
    None
}

/// Whether a line such as `lock: 2: OFDLCK ADVISORY  WRITE -1 fe:00:7 0 319` tells of a lock in the way.
#[cfg(any(target_os = "linux", test))]
fn conflicts(line: &str, span: Span, alone: bool) -> bool {
    let mut words = line.split_whitespace();
    if words.next() != Some("lock:") {
        return false;
    }
    let words: Vec<&str> = words.collect();
    let [_, kind, _, mode, _, _, first, last] = words[..] else { return false };
    let last = if last == "EOF" { Some(u64::MAX) } else { last.parse().ok() };
    let (Ok(first), Some(last)) = (first.parse(), last) else { return false };
    kind == "OFDLCK" && (alone || mode == "WRITE") && Span { first, last }.overlaps(span)
}

/// The name of the process and the word of its command line that says what it does. Nothing else of the command line: it may hold
/// what is not for everybody.
#[cfg(target_os = "linux")]
fn command_of(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<String> = line.split(|b| *b == 0).map(|w| String::from_utf8_lossy(w).into_owned()).collect();
    let name = if name.trim().is_empty() { "unknown" } else { name.trim() };
    crate::error::printable(&[Some(name), verb(&words)].into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// The first argument that looks like a command: a plain word that is not the value of an option.
#[cfg(any(target_os = "linux", test))]
fn verb(words: &[String]) -> Option<&str> {
    let plain = |word: &str| !word.is_empty() && word.len() < 20 && word.bytes().all(|b| b.is_ascii_lowercase());
    words.windows(2).find(|pair| plain(&pair[1]) && !pair[0].starts_with('-')).map(|pair| pair[1].as_str())
}

#[cfg(target_os = "linux")]
fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold anything: the state follows its end.
    stat.rsplit_once(')').is_some_and(|(_, rest)| matches!(rest.split_whitespace().next(), Some("T" | "t")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_in_the_way_where_ranges_meet_and_one_wants_it_alone() {
        let line = "lock:\t2: OFDLCK ADVISORY  WRITE -1 fe:00:10010652 0 319";
        assert!(conflicts(line, Span::HEADER, true) && conflicts(line, Span::HEADER, false));
        assert!(!conflicts(line, Span::WRITER, true));
        let shared = "lock:\t4: OFDLCK ADVISORY  READ -1 fe:00:10010652 4611686018427387904 EOF";
        assert!(conflicts(shared, Span::WRITER, true) && !conflicts(shared, Span::WRITER, false));
        assert!(!conflicts("lock:\t1: FLOCK  ADVISORY  READ 13842 fe:00:10010652 0 EOF", Span::HEADER, true));
        assert!(!conflicts("pos:\t0", Span::ALL, true) && !conflicts("lock:", Span::ALL, true));
    }

    #[test]
    fn a_command_is_told_from_the_values_of_options() {
        let verb_of = |line: &str| verb(&line.split(' ').map(str::to_owned).collect::<Vec<_>>()).map(str::to_owned);
        assert_eq!(verb_of("/usr/bin/perfdb ingest file.lp").as_deref(), Some("ingest"));
        assert_eq!(verb_of("perfdb --db other ingest -").as_deref(), Some("ingest"));
        assert_eq!(verb_of("perfdb --quiet"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_holder_of_a_lock_is_found() {
        use redb::StorageBackend;
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = || redb::backends::FileBackend::new(file.reopen().unwrap()).unwrap();
        let (start, end) = Span::WRITER.bounds();
        let backend = open();
        assert_eq!(find(file.path(), Span::WRITER, true), None);
        assert!(backend.try_lock_range(start, end).unwrap());
        let found = find(file.path(), Span::WRITER, false).unwrap();
        assert_eq!((found.pid, found.stopped), (std::process::id(), false));
        assert_eq!(find(file.path(), Span::HEADER, true), None);
    }
}
