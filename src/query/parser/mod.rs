//! From text to [`crate::query::ast`]: the whole grammar of the query language, by form alone.
//!
//! The grammar is written with nom, directly over the characters: names hold `. : / -`, so what a character means depends
//! on where it stands. Every position is known by how much text is left, and leads back to the text as it was given, so that
//! spans are right with parameters put in. The grammar decides by the next token and never goes back over what it has read, so
//! that time is linear, and refuses what is nested deeper than [`DEPTH_MAX`], so that no text can exhaust the stack.

mod clauses;
mod diagnose;
mod expression;
mod foreign;
mod lexical;
mod names;
mod parameters;
mod predicate;
mod print;
mod selector;
mod statement;
mod time;

pub use names::{RESERVED, bare_name_ok, quote_name, quote_text};
pub use print::print;

use super::ast::{Span, Statement};
use crate::error::Diagnostic;
use diagnose::Problem;
use lexical::{Parsed, Piece, spaces};
use parameters::Expanded;
use std::cell::Cell;
use std::collections::BTreeMap;

/// The longest text that is parsed, in bytes.
pub const TEXT_LEN_MAX: usize = 1024 * 1024;

/// How deep parentheses, calls, signs and `not` may be nested.
pub const DEPTH_MAX: usize = 64;

/// How many columns, arguments, keys or terms of an order there may be.
const ITEMS_MAX: usize = 1000;

/// How many arithmetic operators one statement may have. They bound the height of the tree beside [`DEPTH_MAX`].
const OPERATORS_MAX: usize = 256;

/// How many regular expressions one statement may have: each costs a compilation.
const REGEXES_MAX: usize = 100;

/// How many statements one text may have.
const STATEMENTS_MAX: usize = 10_000;

/// Values of parameters, by name without the `$`.
pub type Parameters = BTreeMap<String, String>;

/// Parses one statement.
///
/// # Errors
/// One message that points at the first place where the text cannot be read on.
///
/// ```
/// use perfdb::query::{ast::Statement, parser::parse};
/// let Statement::Query(query) = parse("p95(decision) by agent since 1h").unwrap() else { panic!() };
/// assert_eq!(query.columns[0].text, "p95(decision)");
/// assert_eq!(
///     parse("p95(decision) by agent sinse 1h").unwrap_err().to_string(),
///     "unknown clause `sinse`\n  |\n1 | p95(decision) by agent sinse 1h\n  |                        ^^^^^ did you mean `since`?"
/// );
/// ```
pub fn parse(text: &str) -> Result<Statement, Box<Diagnostic>> {
    parse_with(text, &Parameters::new())
}

/// Parses one statement in which `$name` is replaced by the parameter of that name. Spans are those of `text`.
///
/// # Errors
/// As for [`parse`]; a parameter without a value.
pub fn parse_with(text: &str, parameters: &Parameters) -> Result<Statement, Box<Diagnostic>> {
    read(text, parameters, Grammar::single)
}

/// Parses statements that end with `;`; the last one may do without.
///
/// # Errors
/// As for [`parse`]; spans count from the start of `text`.
///
/// ```
/// let statements = perfdb::query::parser::parse_file("# Two questions.\ncount(*); show metrics;\n").unwrap();
/// assert_eq!(statements.len(), 2);
/// ```
pub fn parse_file(text: &str) -> Result<Vec<Statement>, Box<Diagnostic>> {
    parse_file_with(text, &Parameters::new())
}

/// [`parse_file`] with parameters.
///
/// # Errors
/// As for [`parse_file`]; a parameter without a value.
pub fn parse_file_with(text: &str, parameters: &Parameters) -> Result<Vec<Statement>, Box<Diagnostic>> {
    read(text, parameters, Grammar::all)
}

/// A statement of a text that may hold several, found without parsing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementText {
    /// From its first to its last character, without the `;`.
    pub span: Span,
    /// Whether a `;` ends it.
    pub ended: bool,
}

/// Where the statements of `text` stand, by their `;`. Texts and comments may hold a `;`; empty statements are left out.
///
/// ```
/// let found = perfdb::query::parser::split_statements("count(a); avg(\"b;c\")");
/// assert_eq!((found[0].span.clone(), found[0].ended), (0..8, true));
/// assert_eq!((found[1].span.clone(), found[1].ended), (10..20, false));
/// ```
pub fn split_statements(text: &str) -> Vec<StatementText> {
    let (mut found, mut current): (Vec<StatementText>, Option<Span>) = (Vec::new(), None);
    let mut rest = text;
    while let Some((kind, read, after)) = lexical::piece(rest) {
        let at = text.len() - rest.len();
        rest = after;
        match kind {
            Piece::Blank => {}
            Piece::Other(';') => {
                found.extend(current.take().map(|span| StatementText { span, ended: true }));
            }
            Piece::Quoted | Piece::Other(_) => current.get_or_insert(at..at).end = at + read.len(),
        }
    }
    found.extend(current.map(|span| StatementText { span, ended: false }));
    found
}

/// Runs `rule` over all of `text`.
fn read<'t, T>(
    text: &'t str,
    parameters: &Parameters,
    rule: impl FnOnce(&Grammar<'t>, &str) -> Result<T, nom::Err<Problem>>,
) -> Result<T, Box<Diagnostic>> {
    if let Some(too_long) = parameters::too_long(text) {
        return Err(too_long);
    }
    let grammar = Grammar::new(Expanded::new(text, parameters)?);
    rule(&grammar, grammar.text.as_str()).map_err(|err| match err {
        nom::Err::Error(problem) | nom::Err::Failure(problem) => grammar.diagnostic(problem),
        // The complete parsers of nom never ask for more text.
        nom::Err::Incomplete(_) => Box::new(Diagnostic::new("the query ends too early", text, text.len()..text.len())),
    })
}

/// The rules of the grammar, which are its methods, and what they count.
struct Grammar<'a> {
    text: Expanded<'a>,
    depth: Cell<usize>,
    operators: Cell<usize>,
    regexes: Cell<usize>,
}

impl<'a> Grammar<'a> {
    fn new(text: Expanded<'a>) -> Self {
        Self { text, depth: Cell::new(0), operators: Cell::new(0), regexes: Cell::new(0) }
    }

    /// What stands between the start of `from` and the start of `to`, with the values of parameters put in.
    fn between(&self, from: &str, to: &str) -> &str {
        let text = self.text.as_str();
        &text[text.len() - from.len()..text.len() - to.len()]
    }

    /// The place of [`Self::between`] in the text as it was given.
    fn span(&self, from: &str, to: &str) -> Span {
        let len = self.text.as_str().len();
        self.text.original(len - from.len()..len - to.len()).0
    }

    /// Runs `rule` one level deeper.
    fn deeper<'i, T>(&self, i: &'i str, rule: impl FnOnce(&'i str) -> Parsed<'i, T>) -> Parsed<'i, T> {
        if self.depth.get() == DEPTH_MAX {
            return Problem::about_token(spaces(i), format!("nested deeper than {DEPTH_MAX}"))
                .label(format!("at most {DEPTH_MAX} levels of parentheses, calls, signs and `not`"))
                .stop();
        }
        self.depth.set(self.depth.get() + 1);
        let read = rule(i);
        self.depth.set(self.depth.get() - 1);
        read
    }

    /// Counts one more of something that a statement may have `max` of.
    fn count(counter: &Cell<usize>, max: usize, i: &str, what: &str) -> Result<(), nom::Err<Problem>> {
        if counter.get() == max {
            return Err(nom::Err::Failure(Problem::about_token(i, format!("more than {max} {what}"))));
        }
        counter.set(counter.get() + 1);
        Ok(())
    }

    /// One or more of `item` with commas between, at most [`ITEMS_MAX`].
    fn list<'i, T>(what: &str, mut i: &'i str, mut item: impl FnMut(&'i str) -> Parsed<'i, T>) -> Parsed<'i, Vec<T>> {
        let mut items = Vec::new();
        loop {
            if items.len() == ITEMS_MAX {
                return Problem::about_token(spaces(i), format!("more than {ITEMS_MAX} {what}")).stop();
            }
            let (rest, read) = item(i)?;
            items.push(read);
            match lexical::symbol(",", "`,`")(rest) {
                Ok((rest, _)) => i = rest,
                Err(_) => return Ok((rest, items)),
            }
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
