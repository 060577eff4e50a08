//! A statement: `query | show`, and a text of several of them.

use super::diagnose::{Problem, any_of, near, shorten};
use super::lexical::{self, Parsed, keyword, next_word, spaces, symbol};
use super::{Grammar, STATEMENTS_MAX, foreign};
use crate::query::ast::{Explain, Query, Show, ShowWhat, Statement};
use nom::Parser;
use nom::combinator::{cut, opt};

/// What `show` can show.
const SHOWN: [&str; 6] = ["metrics", "series", "labels", "values", "runs", "baselines"];

impl Grammar<'_> {
    /// The only statement of a text.
    pub(super) fn single(&self, i: &str) -> Result<Statement, nom::Err<Problem>> {
        let (rest, statement) = self.statement(skip_ends(i))?;
        let rest = skip_ends(rest);
        if rest.is_empty() {
            return Ok(statement);
        }
        let problem = Problem::unexpected(rest).label("a second query begins here; expected one");
        Err(nom::Err::Failure(problem))
    }

    /// All statements of a text.
    pub(super) fn all(&self, i: &str) -> Result<Vec<Statement>, nom::Err<Problem>> {
        let mut statements = Vec::new();
        let mut i = skip_ends(i);
        while !i.is_empty() {
            if statements.len() == STATEMENTS_MAX {
                let problem = Problem::about_token(i, format!("more than {STATEMENTS_MAX} queries in one text"));
                return Err(nom::Err::Failure(problem));
            }
            let (rest, statement) = self.statement(i)?;
            statements.push(statement);
            i = skip_ends(rest);
        }
        Ok(statements)
    }

    /// One statement, up to its `;` or the end of the text.
    fn statement<'i>(&self, i: &'i str) -> Parsed<'i, Statement> {
        self.operators.set(0);
        self.regexes.set(0);
        if i.is_empty() {
            return Problem::said(i, 0, "there is no query")
                .label("expected such as `p95(decision) by agent since 1h`")
                .stop();
        }
        if let Some(problem) = foreign::statement(i) {
            return problem.stop();
        }
        match keyword("show", "")(i) {
            Ok((rest, _)) if !lexical::follows(rest, "(") => cut(|rest| self.show(i, rest)).parse_complete(rest),
            _ => cut(|i| self.query(i)).parse_complete(i),
        }
    }

    /// `[explain [analyze]] columns {clause}`
    fn query<'i>(&self, start: &'i str) -> Parsed<'i, Statement> {
        let (i, explain) = explain(start)?;
        if explain.is_some() && next_word(i).is_some_and(|word| word.eq_ignore_ascii_case("show")) {
            return Problem::about_token(spaces(i), "`show` has no plan")
                .label("expected columns such as `p95(decision)`")
                .stop();
        }
        let (i, columns) = Self::list("columns", i, |i| self.column(i))?;
        let (i, clauses) = self.clauses(i, columns.last().is_some_and(|column| column.alias.is_none()))?;
        let span = self.span(start, i);
        Ok((i, Statement::Query(Box::new(Query { explain, columns, clauses, span }))))
    }

    /// What follows `show`.
    fn show<'i>(&self, start: &'i str, i: &'i str) -> Parsed<'i, Statement> {
        let i = spaces(i);
        let Ok((rest, word)) = lexical::bare(i) else {
            return Problem::unexpected(i).label(format!("expected {}", any_of(&SHOWN))).stop();
        };
        let (rest, what) = match word.to_lowercase().as_str() {
            "metrics" => (rest, ShowWhat::Metrics),
            "series" => (rest, ShowWhat::Series),
            "labels" => (rest, ShowWhat::Labels),
            "values" => {
                let (rest, label) = cut(|i| self.name(i, "a label, as in `show values agent`")).parse_complete(rest)?;
                (rest, ShowWhat::Values(label))
            }
            "runs" => (rest, ShowWhat::Runs),
            "baselines" => (rest, ShowWhat::Baselines),
            lower => {
                let meant = match lower {
                    "measurements" | "tables" => Some("metrics"),
                    "tags" | "keys" | "fields" | "columns" => Some("labels"),
                    _ => near(word, SHOWN),
                };
                let label = match meant {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("expected {}", any_of(&SHOWN)),
                };
                return Problem::about_token(i, format!("`show` does not know `{}`", shorten(word)))
                    .label(label)
                    .stop();
            }
        };
        let (rest, clauses) = self.clauses(rest, false)?;
        let span = self.span(start, rest);
        Ok((rest, Statement::Show(Box::new(Show { what, clauses, span }))))
    }
}

/// `explain [analyze]`, unless a call of that name.
fn explain(i: &str) -> Parsed<'_, Option<Explain>> {
    let (rest, word) = opt(keyword("explain", "")).parse_complete(i)?;
    if word.is_none() {
        return Ok((i, None));
    }
    let (rest, analyze) = opt(keyword("analyze", "")).parse_complete(rest)?;
    if analyze.is_none() && next_word(rest).is_some_and(|word| near(word, ["analyze"]).is_some()) {
        return Problem::unexpected(spaces(rest)).label("did you mean `analyze`?").stop();
    }
    Ok((rest, Some(if analyze.is_some() { Explain::Analyze } else { Explain::Plan })))
}

/// The text after white space and `;`.
fn skip_ends(i: &str) -> &str {
    // A byte order mark is what some editors begin a file with.
    let mut i = spaces(i.strip_prefix('\u{feff}').unwrap_or(i));
    while let Ok((rest, _)) = symbol(";", "")(i) {
        i = spaces(rest);
    }
    i
}
