//! What a command may touch of the world, handed in: streams, clock, environment, terminal. A test hands in its own.

use super::args::Color;
use crate::error::{Error, Result, printable};
use crate::model::{Cancel, Timestamp};
use anstyle::{AnsiColor, Style};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// The world as a command sees it.
pub struct Io<'a> {
    /// Answers.
    pub out: &'a mut dyn Write,
    /// Errors, notes and progress.
    pub err: &'a mut dyn Write,
    /// What is piped in.
    pub input: Box<dyn Read + Send>,
    /// The present.
    pub now: Timestamp,
    /// Raised when the person interrupts.
    pub cancel: Cancel,
    /// Which streams are a terminal, and how wide it is.
    pub terminal: Terminal,
    /// Where settings come from.
    pub surroundings: Surroundings,
}

/// Which streams are a terminal, and how wide it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terminal {
    /// Answers go to a terminal.
    pub out: bool,
    /// Errors go to a terminal.
    pub err: bool,
    /// Its width in columns, if it is known.
    pub width: Option<usize>,
}

/// The environment and the folders that settings are read from. The default has none of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// The folder whose `perfdb.toml` is read.
    pub folder: Option<PathBuf>,
    /// The person's configuration folder, whose `perfdb/config.toml` is read.
    pub config_folder: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process. Variables that are no Unicode are left out.
    pub fn of_process() -> Self {
        use etcetera::BaseStrategy;
        let env = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Self {
            env: env.collect(),
            folder: Some(PathBuf::from(".")),
            config_folder: etcetera::choose_base_strategy().ok().map(|s| s.config_dir()),
        }
    }

    /// The variable `name`, if it is set and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// Whether a stream gets colors. A choice that was typed or configured comes before `NO_COLOR` (see no-color.org).
    pub fn color(&self, choice: Option<Color>, terminal: bool) -> bool {
        match choice.unwrap_or_default() {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && self.var("NO_COLOR").is_none() && self.var("TERM") != Some("dumb"),
        }
    }

    /// Whether a terminal shows ASCII only: a dumb one, or one whose locale names a character set that is not UTF-8.
    pub fn ascii(&self) -> bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| self.var(name)).unwrap_or("UTF-8");
        let locale = locale.to_ascii_lowercase();
        let named = locale.contains('.') || matches!(locale.as_str(), "c" | "posix");
        self.var("TERM") == Some("dumb") || (named && !locale.contains("utf-8") && !locale.contains("utf8"))
    }
}

impl Io<'_> {
    /// Writes bytes of an answer.
    ///
    /// # Errors
    /// [`Error::Io`], also where the reader is gone ([`io::ErrorKind::BrokenPipe`]), which `run` takes for a quiet end.
    pub fn write_out(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(out_error)
    }

    /// Prints `error: ...` to the standard error. As for what follows: with nothing in it that could act on a terminal, and whether
    /// that worked nobody can be told.
    pub fn print_error(&mut self, message: &str, color: Option<Color>) {
        self.print_marked("error", AnsiColor::Red, message, color);
    }

    /// Prints `warning: ...` to the standard error.
    pub fn print_warning(&mut self, message: &str, color: Option<Color>) {
        self.print_marked("warning", AnsiColor::Yellow, message, color);
    }

    /// Prints `note: ...` to the standard error.
    pub fn print_note(&mut self, message: &str) {
        self.print_line(&format!("note: {message}"));
    }

    /// Prints a line to the standard error.
    pub fn print_line(&mut self, line: &str) {
        let _ = writeln!(self.err, "{}", printable(line));
    }

    fn print_marked(&mut self, word: &str, hue: AnsiColor, message: &str, color: Option<Color>) {
        let style = if self.surroundings.color(color, self.terminal.err) {
            Style::new().bold().fg_color(Some(hue.into()))
        } else {
            Style::new()
        };
        let lines: Vec<String> = message.trim_end().lines().map(printable).collect();
        let _ = writeln!(self.err, "{style}{word}:{style:#} {}", lines.join("\n"));
        let _ = self.err.flush();
    }
}

/// A failed write to the standard output.
pub(super) fn out_error(source: io::Error) -> Error {
    Error::Io { doing: "write to the standard output".into(), source }
}
