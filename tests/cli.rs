//! The built program as a person and as other programs meet it: exit codes, streams, files.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails like the test itself")]

#[path = "cli/asking.rs"]
mod asking;
#[path = "cli/exporting.rs"]
mod exporting;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/pipes.rs"]
mod pipes;
#[path = "cli/stores.rs"]
mod stores;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A folder in which the program runs, with settings that no machine changes.
struct Folder {
    folder: tempfile::TempDir,
}

/// What a run left behind.
#[derive(Debug)]
struct Run {
    code: i32,
    out: String,
    err: String,
}

/// Three decisions of two agents, a second apart from 2026-11-20T11:00:00Z on.
const DECISIONS: &str = "\
decision,agent=scout value=10 1795172400000000000
decision,agent=planner value=400.5 1795172401000000000
decision,agent=scout value=30 1795172402000000000
";

impl Folder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with a store that holds [`DECISIONS`], in ms.
    fn with_decisions() -> Self {
        let folder = Self::new();
        folder.write("decisions.lp", DECISIONS);
        folder.run(&["ingest", "decisions.lp", "--unit", "decision=ms"]).ok();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perfdb"));
        command.args(words).current_dir(self.folder.path()).env_clear().env("TZ", "UTC");
        command.env("HOME", self.folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, words: &[&str]) -> Run {
        Run::of(self.command(words).output().unwrap())
    }

    /// Runs with `input` piped in.
    fn pipe(&self, words: &[&str], input: &str) -> Run {
        let mut child = self.command(words).stdin(Stdio::piped()).spawn().unwrap();
        // A program that has seen enough stops reading.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Run::of(child.wait_with_output().unwrap())
    }

    /// The answer to `question` as CSV.
    fn ask(&self, question: &str) -> String {
        self.run(&["query", "--format", "csv", question]).ok().out
    }
}

impl Run {
    fn of(output: std::process::Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// A run that did what was asked.
    fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// A run that was refused as wrong use or input: an error alone, which says all of `parts`.
    fn refused(self, parts: &[&str]) -> Self {
        assert!(self.code == 2 && self.out.is_empty() && self.err.starts_with("error: "), "{self:?}");
        assert!(parts.iter().all(|part| self.err.contains(part)), "{self:?}");
        self
    }
}
