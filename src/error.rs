//! One error type, its variants grouped by who can act on them, each with its exit code.
//!
//! [`Diagnostic`] is the form of an error that points at a text: a query, a line of an input file, a configuration.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, grouped by who can act on it.
#[derive(Debug)]
pub enum Error {
    /// A query that does not parse, or that names what is not there. The person who typed it acts.
    Query(Box<Diagnostic>),
    /// An input file that breaks its format. Whoever made the file acts.
    Input(Box<Diagnostic>),
    /// Wrong use of a command or of the library: a missing file, a bad option.
    Usage {
        /// What is wrong, naming the thing.
        message: String,
        /// The way out, where there is one.
        hint: Option<String>,
    },
    /// A limit of memory, time or size was reached before the work was done.
    Limit {
        /// What limit, and what ran into it.
        message: String,
        /// How to stay below it.
        hint: Option<String>,
    },
    /// The store's bytes are not what was written.
    Corrupt {
        /// Which store, table, series and time range.
        what: String,
    },
    /// Another process holds the store past the deadline.
    Busy {
        /// Which store, and who holds it if that is known.
        what: String,
        /// The way out, where there is one.
        hint: Option<String>,
    },
    /// The machine refused: disk full, permissions, a broken device.
    Io {
        /// What was being done, naming the file.
        doing: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The person interrupted.
    Interrupted,
    /// A belief about our own code turned out wrong.
    Bug(String),
}

impl Error {
    /// A usage error without a hint.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    /// A usage error with the way out.
    pub fn usage_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// A limit that was reached, with the way to stay below it.
    pub fn limit(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Limit { message: message.into(), hint: Some(hint.into()) }
    }

    /// A damaged store.
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    /// A failed system call on `path`.
    pub fn io(doing: &str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { doing: format!("{doing} `{}`", printable(&path.display().to_string())), source }
    }

    /// The process exit code that tells this error: 2 usage, 4 damaged, 5 busy, 6 I/O, 70 a bug, 130 interrupted.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Query(_) | Self::Input(_) | Self::Usage { .. } | Self::Limit { .. } => 2,
            Self::Corrupt { .. } => 4,
            Self::Busy { .. } => 5,
            Self::Io { .. } => 6,
            Self::Bug(_) => 70,
            Self::Interrupted => 130,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_hint = |f: &mut fmt::Formatter<'_>, message: &str, hint: &Option<String>| {
            f.write_str(message)?;
            match hint {
                Some(hint) => write!(f, "\n  help: {hint}"),
                None => Ok(()),
            }
        };
        match self {
            Self::Query(d) | Self::Input(d) => d.fmt(f),
            Self::Usage { message: text, hint }
            | Self::Limit { message: text, hint }
            | Self::Busy { what: text, hint } => with_hint(f, text, hint),
            Self::Corrupt { what } => {
                write!(f, "damaged: {what}\n  help: `perfdb check` lists everything that is damaged")
            }
            Self::Io { doing, source } => write!(f, "cannot {doing}: {source}"),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Bug(what) => {
                write!(f, "a bug in perfdb: {what}\n  help: please report it with the command that led here")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<Diagnostic> for Error {
    fn from(d: Diagnostic) -> Self {
        Self::Query(Box::new(d))
    }
}

/// A message that points into a text.
///
/// ```
/// use perfdb::error::Diagnostic;
/// let d = Diagnostic::new("unknown function `p95s`", "p95s(decision) by agent", 0..4).label("did you mean `p95`?");
/// assert_eq!(
///     d.to_string(),
///     "unknown function `p95s`\n  |\n1 | p95s(decision) by agent\n  | ^^^^ did you mean `p95`?"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in one line without a full stop.
    pub message: String,
    /// Where the text comes from (`FILE`), if it is not the command line.
    pub origin: Option<PathBuf>,
    /// The text that `span` points into. For a file, the one line that is wrong (cut where it is long).
    pub text: String,
    /// 1-based number of the first line of `text` within its origin.
    pub line_first: usize,
    /// Bytes of `text` that are wrong; empty at a place where something is missing.
    pub span: Range<usize>,
    /// What stands beside the caret: what was expected, or the nearest valid name.
    pub label: Option<String>,
    /// The way out, in a line of its own.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A message about `span` (bytes) of `text`.
    pub fn new(message: impl Into<String>, text: impl Into<String>, span: Range<usize>) -> Self {
        Self { message: message.into(), origin: None, text: text.into(), line_first: 1, span, label: None, help: None }
    }

    /// Says what was expected, beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Says the way out, below the text.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Names the file and the line of it that `text` begins at.
    #[must_use]
    pub fn at(mut self, origin: impl Into<PathBuf>, line_first: usize) -> Self {
        self.origin = Some(origin.into());
        self.line_first = line_first;
        self
    }
}

/// How many characters of a long line are shown around the caret.
const SHOWN_CHARS_MAX: usize = 100;

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", printable(&self.message))?;
        let start = floor_char(&self.text, self.span.start.min(self.text.len()));
        let end = ceil_char(&self.text, self.span.end.clamp(start, self.text.len()));
        let line_start = self.text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |i| start + i);
        let line_no = self.line_first + self.text[..line_start].matches('\n').count();
        let end = end.min(line_end);
        let (before, marked, after) =
            (&self.text[line_start..start], &self.text[start..end], &self.text[end..line_end]);
        let (before, cut_left) = keep_right(before, SHOWN_CHARS_MAX / 2);
        let (marked, cut_mark) = keep_left(marked, SHOWN_CHARS_MAX);
        let (after, cut_right) = if cut_mark { ("", true) } else { keep_left(after, SHOWN_CHARS_MAX / 2) };
        let before = format!("{}{}", if cut_left { "..." } else { "" }, printable(before));
        let marked = printable(marked);
        let after = format!("{}{}", printable(after), if cut_right { "..." } else { "" });
        let gutter = " ".repeat(line_no.to_string().len());
        if let Some(origin) = &self.origin {
            let column = self.text[line_start..start].chars().count() + 1;
            write!(f, "\n{gutter}--> {}:{line_no}:{column}", printable(&origin.display().to_string()))?;
        }
        let pad = " ".repeat(unicode_width::UnicodeWidthStr::width(before.as_str()));
        let carets = "^".repeat(unicode_width::UnicodeWidthStr::width(marked.as_str()).max(1));
        write!(f, "\n{gutter} |\n{line_no} | {before}{marked}{after}\n{gutter} | {pad}{carets}")?;
        if let Some(label) = &self.label {
            write!(f, " {}", printable(label))?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n{gutter} = help: {}", printable(help))?;
        }
        Ok(())
    }
}

fn floor_char(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil_char(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

fn keep_right(text: &str, chars: usize) -> (&str, bool) {
    match text.char_indices().rev().nth(chars) {
        Some((i, c)) => (&text[i + c.len_utf8()..], true),
        None => (text, false),
    }
}

fn keep_left(text: &str, chars: usize) -> (&str, bool) {
    match text.char_indices().nth(chars) {
        Some((i, _)) => (&text[..i], true),
        None => (text, false),
    }
}

/// `text` with everything escaped that could act on a terminal or reorder what a person reads: control characters and
/// the bidirectional and invisible formatting characters of Unicode.
///
/// ```
/// assert_eq!(perfdb::error::printable("a\u{1b}[31mb"), "a\\u{1b}[31mb");
/// assert_eq!(perfdb::error::printable("plain ü"), "plain ü");
/// ```
pub fn printable(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
    };
    if !text.chars().any(hidden) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if hidden(c) => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// The candidates nearest to `name`, best first, at most three and only those near enough to be meant.
///
/// ```
/// assert_eq!(perfdb::error::nearest("agnet", ["agent", "host", "phase"]), ["agent"]);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let lower = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = candidates
        .into_iter()
        .filter_map(|c| {
            let candidate = c.to_lowercase();
            let distance = strsim::damerau_levenshtein(&lower, &candidate);
            let longest = lower.chars().count().max(candidate.chars().count()).max(1);
            let score = distance as f64 / longest as f64;
            let contained = lower.len() >= 3 && (candidate.contains(&lower) || lower.contains(&candidate));
            (distance <= 1 || score <= 0.4 || contained).then_some((if contained { score.min(0.3) } else { score }, c))
        })
        .collect();
    scored.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.into_iter().take(3).map(|(_, c)| c).collect()
}
