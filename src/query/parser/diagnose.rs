//! What went wrong while parsing, and how it becomes the one [`Diagnostic`] that a person reads.

use super::Grammar;
use super::lexical::{self, Parsed, Piece};
use super::names::is_reserved;
use crate::error::{Diagnostic, nearest};
use nom::error::{ErrorKind, ParseError};

/// Why a text cannot be read on. Places are counted from the end of the text, as nom's inputs are.
#[derive(Debug)]
pub(super) struct Problem {
    /// Bytes that were left where it went wrong.
    left: usize,
    /// How many of them are wrong; 0 means the token that stands there.
    len: usize,
    /// What could have stood there.
    expected: Vec<&'static str>,
    /// What to say instead of "expected ...", where more is known.
    said: Option<Box<Said>>,
}

#[derive(Debug)]
struct Said {
    message: String,
    label: Option<String>,
    help: Option<String>,
}

impl Problem {
    /// `what` should begin where `i` begins.
    pub(super) fn expected(i: &str, what: &'static str) -> Self {
        Self { left: i.len(), len: 0, expected: vec![what], said: None }
    }

    /// What is tried at `i` is not there, and need not be named among what is expected.
    pub(super) fn nothing(i: &str) -> Self {
        Self { left: i.len(), len: 0, expected: Vec::new(), said: None }
    }

    /// `message` about the first `len` bytes of `i`.
    pub(super) fn said(i: &str, len: usize, message: impl Into<String>) -> Self {
        let said = Said { message: message.into(), label: None, help: None };
        Self { left: i.len(), len, expected: Vec::new(), said: Some(Box::new(said)) }
    }

    /// `message` about the token that `i` begins with.
    pub(super) fn about_token(i: &str, message: impl Into<String>) -> Self {
        Self::said(i, token(i).len(), message)
    }

    /// The token that `i` begins with is out of place.
    pub(super) fn unexpected(i: &str) -> Self {
        Self::about_token(i, format!("unexpected {}", found(i)))
    }

    /// Says what was expected, beside the caret.
    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        if let Some(said) = &mut self.said {
            said.label = Some(label.into());
        }
        self
    }

    /// Says the way out.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        if let Some(said) = &mut self.said {
            said.help = Some(help.into());
        }
        self
    }

    /// Another alternative may still be tried.
    pub(super) fn error<'a, T>(self) -> Parsed<'a, T> {
        Err(nom::Err::Error(self))
    }

    /// No other alternative is tried.
    pub(super) fn stop<'a, T>(self) -> Parsed<'a, T> {
        Err(nom::Err::Failure(self))
    }
}

impl ParseError<&str> for Problem {
    fn from_error_kind(i: &str, _: ErrorKind) -> Self {
        Self::nothing(i)
    }

    fn append(_: &str, _: ErrorKind, other: Self) -> Self {
        other
    }

    /// The problem that lies further on is the one to report; at one place, what was expected adds up.
    fn or(mut self, mut other: Self) -> Self {
        if self.left != other.left {
            return if self.left < other.left { self } else { other };
        }
        self.expected.append(&mut other.expected);
        self.said = self.said.or(other.said);
        self
    }
}

impl Grammar<'_> {
    /// The problem as a message that points into the text as it was given.
    pub(super) fn diagnostic(&self, problem: Problem) -> Box<Diagnostic> {
        let text = self.text.as_str();
        let at = text.len() - problem.left;
        let i = &text[at..];
        let said = problem.said.map_or_else(|| expected(i, &problem.expected), |said| *said);
        // What is missing at the end is missing behind the last word, not behind the white space that follows.
        let at = if i.is_empty() { text.trim_end().len() } else { at };
        let len = if problem.len == 0 { token(i).len() } else { problem.len };
        let (span, parameter) = self.text.original(at..(at + len).min(text.len()));
        let mut diagnostic = Diagnostic::new(said.message, self.text.original_text(), span);
        diagnostic.label = said.label;
        diagnostic.help = said.help.or(parameter);
        Box::new(diagnostic)
    }
}

fn expected(i: &str, what: &[&str]) -> Said {
    let label = (!what.is_empty()).then(|| format!("expected {}", any_of(what)));
    Said { message: format!("unexpected {}", found(i)), label, help: typography(i) }
}

/// The way out for characters that word processors and other languages put in.
pub(super) fn typography(i: &str) -> Option<String> {
    let help = match i.chars().next()? {
        '“' | '”' | '„' | '‘' | '’' | '«' | '»' => "quotes are written \" or '",
        '`' => "names are quoted with \" or ', not with backticks",
        '–' | '—' | '−' => "a minus is written -",
        '×' | '·' => "a product is written *",
        '÷' => "a quotient is written /",
        _ => return None,
    };
    Some(help.to_owned())
}

/// The one of `candidates` that `word` was most likely meant to be.
pub(super) fn near<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    const WORD_LEN_MAX: usize = 64;
    if word.is_empty() || word.len() > WORD_LEN_MAX || is_reserved(word) {
        return None;
    }
    // `by` and `in` are part of many words that mean something else.
    let fitting = candidates.into_iter().filter(|candidate| candidate.len() > 2 || word.len() <= 3);
    nearest(word, fitting).first().copied()
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn any_of<S: AsRef<str>>(items: &[S]) -> String {
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        out.push_str(match index {
            0 => "",
            _ if index + 1 == items.len() => " or ",
            _ => ", ",
        });
        out.push_str(item.as_ref());
    }
    out
}

/// What stands at the start of `i`, for a message.
pub(super) fn found(i: &str) -> String {
    match token(i) {
        "" => "end of the query".to_owned(),
        "\0" => "NUL byte".to_owned(),
        "`" => "backtick".to_owned(),
        token => format!("`{}`", shorten(token)),
    }
}

/// The token that `i` begins with: a word or number, a text, or one character; empty at the end.
pub(super) fn token(i: &str) -> &str {
    if let Ok((_, word)) = lexical::word(i) {
        return word;
    }
    match lexical::piece(i) {
        Some((Piece::Quoted | Piece::Other(_), read, _)) => read,
        Some((Piece::Blank, ..)) | None => "",
    }
}

/// `text` cut to what fits a message.
pub(super) fn shorten(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 40;
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}
