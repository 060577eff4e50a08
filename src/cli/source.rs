//! An input of samples: opened, and its format known, before anything is done with it.
//!
//! What stays true: opening waits for nobody without end; a pipe that stays silent can be interrupted.

use super::args::InputFormat;
use super::io::Io;
use crate::error::{Error, Result, printable};
use crate::ingest::{Format, detect};
use crate::model::Cancel;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Bytes that a format is told by.
const HEAD_LEN: usize = 64 * 1024;

/// An input that can be read.
pub struct Input {
    /// What it is called in messages.
    pub name: PathBuf,
    /// Its bytes.
    pub reader: Box<dyn Read + Send>,
    /// What it is.
    pub format: Format,
    /// How many bytes it has, of a regular file; `None` of a stream, which ends when its producer says so.
    pub len: Option<u64>,
}

impl Input {
    /// Opens `path`, where `-` is what is piped in.
    ///
    /// # Errors
    /// [`Error::Usage`] for what is not there, a directory, and what has no format that can be read; [`Error::Io`];
    /// [`Error::Interrupted`].
    pub fn open(path: &Path, format: InputFormat, io: &mut Io<'_>) -> Result<Self> {
        if path == Path::new("-") {
            let reader = std::mem::replace(&mut io.input, Box::new(io::empty()));
            return Self::of_stream("<stdin>".into(), None, move || Ok(reader), format, &io.cancel);
        }
        let meta = std::fs::metadata(path).map_err(|e| cannot_read(path, e))?;
        if meta.is_dir() {
            let shown = printable(&path.display().to_string());
            return Err(Error::usage_hint(format!("`{shown}` is a directory"), "name the files in it"));
        }
        if !meta.is_file() {
            let owned = path.to_owned();
            let open = move || File::open(&owned).map(|f| Box::new(f) as _).map_err(|e| cannot_read(&owned, e));
            return Self::of_stream(path.to_owned(), Some(path), open, format, &io.cancel);
        }
        let mut file = File::open(path).map_err(|e| cannot_read(path, e))?;
        let mut head = Vec::new();
        (&mut file).take(HEAD_LEN as u64).read_to_end(&mut head).map_err(|e| cannot_read(path, e))?;
        let format = format_of(format, Some(path), &head)?;
        let reader = Box::new(Cursor::new(head).chain(file));
        Ok(Self { name: path.to_owned(), reader, format, len: Some(meta.len()) })
    }

    /// A stream. It is opened and its first line read on a thread of its own, since both may take forever.
    fn of_stream(
        name: PathBuf,
        path: Option<&Path>,
        open: impl FnOnce() -> Result<Box<dyn Read + Send>> + Send + 'static,
        format: InputFormat,
        cancel: &Cancel,
    ) -> Result<Self> {
        let (send, receive) = sync_channel(1);
        let told = name.clone();
        let begin = move || -> Result<(Vec<u8>, Box<dyn Read + Send>)> {
            let mut reader = open()?;
            let head = if format == InputFormat::Auto { first_line(&mut *reader) } else { Ok(Vec::new()) };
            Ok((head.map_err(|e| Error::io("read", &told, e))?, reader))
        };
        let spawned = std::thread::Builder::new().name("begin".into()).spawn(move || drop(send.send(begin())));
        spawned.map_err(|e| Error::io("start a thread to read", &name, e))?;
        let (head, reader) = loop {
            cancel.check()?;
            match receive.recv_timeout(Duration::from_millis(50)) {
                Ok(begun) => break begun?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::Bug("the thread that begins to read has died".into()));
                }
            }
        };
        let format = format_of(format, path, &head)?;
        Ok(Self { name, reader: Box::new(Cursor::new(head).chain(reader)), format, len: None })
    }
}

/// What `path` is, where the system says that it cannot be read.
pub(super) fn cannot_read(path: &Path, source: io::Error) -> Error {
    if source.kind() == io::ErrorKind::NotFound {
        return Error::usage(format!("there is no file `{}`", printable(&path.display().to_string())));
    }
    Error::io("read", path, source)
}

fn format_of(typed: InputFormat, path: Option<&Path>, head: &[u8]) -> Result<Format> {
    match typed {
        InputFormat::Auto => detect(path, head),
        InputFormat::Influx => Ok(Format::Influx),
        InputFormat::Csv => Ok(Format::Csv),
        InputFormat::Jsonl => Ok(Format::Jsonl),
    }
}

/// The first bytes of a stream, until a line is complete that a format can be told by.
fn first_line(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut buffer = vec![0; 8 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(head),
            Ok(count) => head.extend_from_slice(&buffer[..count]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        }
        let complete = head.iter().rposition(|b| *b == b'\n').map_or(&[][..], |end| &head[..end]);
        let telling = |line: &[u8]| !line.trim_ascii().is_empty() && !line.starts_with(b"#");
        if head.len() >= HEAD_LEN || complete.split(|b| *b == b'\n').any(telling) {
            return Ok(head);
        }
    }
}
