//! `$name`: a parameter is replaced before parsing by a value that stays one token, so that no value can add a clause.
//!
//! The grammar reads the text with the values put in; places in it lead back to the text as it was given.

use super::diagnose::{any_of, shorten};
use super::lexical::{self, Piece};
use super::names::{is_reserved, quote_text};
use super::time;
use super::{Parameters, TEXT_LEN_MAX};
use crate::error::{Diagnostic, nearest};
use crate::query::ast::Span;
use std::borrow::Cow;

/// A text whose parameters are replaced.
#[derive(Debug)]
pub(super) struct Expanded<'a> {
    given: &'a str,
    text: Cow<'a, str>,
    /// In order of place.
    replaced: Vec<Replaced>,
}

/// One parameter: where its value stands in the new text, and where it stood in the given one.
#[derive(Debug)]
struct Replaced {
    new: Span,
    given: Span,
}

impl<'a> Expanded<'a> {
    /// Puts the values of `parameters` into `given`.
    pub(super) fn new(given: &'a str, parameters: &Parameters) -> Result<Self, Box<Diagnostic>> {
        if !given.contains('$') {
            return Ok(Self { given, text: Cow::Borrowed(given), replaced: Vec::new() });
        }
        let (mut text, mut replaced) = (String::with_capacity(given.len()), Vec::new());
        let mut rest = given;
        while let Some((kind, read, after)) = lexical::piece(rest) {
            let at = given.len() - rest.len();
            rest = after;
            if kind != Piece::Other('$') {
                text.push_str(read);
                continue;
            }
            let name_len = after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len());
            let place = at..at + 1 + name_len;
            let value = value(given, &place, parameters)?;
            if text.len() + value.len() > TEXT_LEN_MAX {
                let message = "the query is longer than 1 MiB with its parameters put in";
                return Err(Box::new(Diagnostic::new(message, given, place)));
            }
            let start = text.len();
            text.push_str(&value);
            replaced.push(Replaced { new: start..text.len(), given: place });
            rest = &after[name_len..];
        }
        Ok(Self { given, text: Cow::Owned(text), replaced })
    }

    /// The text with the values put in.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The text as it was given.
    pub(super) fn original_text(&self) -> &'a str {
        self.given
    }

    /// Where `span` of the new text stands in the given one, and what to say where a parameter is part of it.
    pub(super) fn original(&self, span: Span) -> (Span, Option<String>) {
        let start = self.place(span.start, false);
        let end = self.place(span.end, true).max(start);
        let touched = self.replaced.iter().find(|r| r.new.start <= span.start && span.start < r.new.end);
        let help = touched
            .map(|r| format!("`{}` stands for `{}`", &self.given[r.given.clone()], shorten(&self.text[r.new.clone()])));
        (start..end, help)
    }

    fn place(&self, at: usize, is_end: bool) -> usize {
        let before = |r: &Replaced| if is_end { r.new.start < at } else { r.new.start <= at };
        match self.replaced.partition_point(before).checked_sub(1).map(|index| &self.replaced[index]) {
            None => at,
            Some(r) if is_end && at <= r.new.end => r.given.end,
            Some(r) if !is_end && at < r.new.end => r.given.start,
            Some(r) => r.given.end + (at - r.new.end),
        }
    }
}

/// What to write for the parameter at `place` of `given`.
fn value(given: &str, place: &Span, parameters: &Parameters) -> Result<String, Box<Diagnostic>> {
    let name = &given[place.start + 1..place.end];
    if let Some(value) = parameters.get(name) {
        return Ok(as_token(value));
    }
    let error = |message: String, label: String| Box::new(Diagnostic::new(message, given, place.clone()).label(label));
    if name.is_empty() {
        return Err(error("`$` without a name".into(), "expected a parameter such as `$agent`".into()));
    }
    let message = format!("no value for the parameter `${}`", shorten(name));
    let known: Vec<String> = parameters.keys().map(|known| format!("`${known}`")).collect();
    let label = match nearest(name, parameters.keys().map(String::as_str)).first() {
        Some(near) => format!("did you mean `${near}`?"),
        None if known.is_empty() => "no parameter was given".into(),
        None => format!("expected {}", any_of(&known)),
    };
    Err(error(message, label))
}

/// `value` as one token: a name, a pattern, a number or an instant as it is, anything else as a text in quotes.
fn as_token(value: &str) -> String {
    let is_name = |text: &str| matches!(lexical::glob(text), Ok(("", _))) && !is_reserved(text);
    let is_number = |text: &str| matches!(lexical::quantity(text), Ok(("", _)));
    let as_is = is_name(value) || is_number(value.strip_prefix('-').unwrap_or(value)) || time::is_instant(value);
    if as_is { value.to_owned() } else { quote_text(value) }
}

/// Makes a problem of a text that is longer than the limit.
pub(super) fn too_long(text: &str) -> Option<Box<Diagnostic>> {
    const SHOWN_LEN: usize = 60;
    if text.len() <= TEXT_LEN_MAX {
        return None;
    }
    let shown = (0..=SHOWN_LEN).rev().find(|len| text.is_char_boundary(*len)).unwrap_or(0);
    let shown = text[..shown].lines().next().unwrap_or("");
    let message = format!("the query is {} bytes long, more than 1 MiB", text.len());
    Some(Box::new(Diagnostic::new(message, shown, 0..shown.len()).label("expected at most 1048576 bytes")))
}
