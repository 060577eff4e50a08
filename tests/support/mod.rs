//! The built program, at work on a store in a folder of its own. Nothing of the person's settings reaches it.

use serde_json::Value;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder with, perhaps, `perf.redb` in it.
pub(crate) struct Place {
    folder: TempDir,
}

/// What became of a command.
#[derive(Debug)]
pub(crate) struct Done {
    /// Its exit code; -1 where a signal ended it.
    pub(crate) code: i32,
    /// Its standard output.
    pub(crate) out: String,
    /// Its standard error.
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with these arguments, in this folder, with piped streams.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perfdb"));
        command.args(args).current_dir(self.folder.path()).env_clear();
        command.env("HOME", self.folder.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end, which must come within `LIMIT`.
    pub(crate) fn run(&self, args: &[&str]) -> Done {
        finish(self.command(args).spawn().unwrap(), &args.join(" "))
    }

    /// As [`Place::run`], but it must succeed.
    pub(crate) fn must(&self, args: &[&str]) -> Done {
        let done = self.run(args);
        assert_eq!(done.code, 0, "{args:?}: {}", done.err);
        done
    }

    /// The rows that answer `text`.
    pub(crate) fn rows(&self, text: &str) -> Vec<Vec<Value>> {
        let done = self.must(&["query", "--format", "json", "--times", "ns", text]);
        done.rows()
    }
}

impl Done {
    /// The rows of an answer in JSON.
    pub(crate) fn rows(&self) -> Vec<Vec<Value>> {
        let answer: Value = serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out));
        serde_json::from_value(answer["rows"].clone()).unwrap()
    }
}

/// A command that takes longer than this hangs. Far more than any of them needs on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Waits for `child`, and takes what it says.
pub(crate) fn finish(mut child: Child, what: &str) -> Done {
    let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > LIMIT {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("`perfdb {what}` takes longer than {LIMIT:?}");
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    Done { code: status.code().unwrap_or(-1), out: out.join().unwrap(), err: err.join().unwrap() }
}

/// Reads a stream to its end on a thread of its own, so that its writer never waits.
fn drain(stream: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            stream.read_to_end(&mut bytes).unwrap();
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
