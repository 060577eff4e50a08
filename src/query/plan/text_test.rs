//! A test of one text: a label's value, a metric's name, a key of the answer.

use super::context::Context;
use crate::error::Result;
use crate::query::ast::{CompareOp, Literal, Span, Spanned};
use hashbrown::HashSet;
use regex::Regex;

/// The largest compiled regular expression, in bytes.
const REGEX_LEN_MAX: usize = 1 << 20;

/// A test of one text. A missing text counts as empty.
#[derive(Debug, Clone)]
pub(crate) enum TextTest {
    /// It is this.
    Equal(String),
    /// It is not this.
    NotEqual(String),
    /// It matches from end to end.
    Regex(Regex),
    /// It does not match from end to end.
    NotRegex(Regex),
    /// Read as a number it compares so; what is no number does not.
    Number(CompareOp, f64),
    /// It is one of these.
    In(HashSet<String>),
}

impl TextTest {
    /// The test `op right`; `what` names the left side in errors.
    pub(crate) fn compare(ctx: &Context<'_>, what: &str, op: CompareOp, right: &Spanned<Literal>) -> Result<Self> {
        let text = literal_text(ctx, right);
        Ok(match op {
            CompareOp::Equal => Self::Equal(text),
            CompareOp::NotEqual => Self::NotEqual(text),
            CompareOp::Regex => Self::Regex(anchored(ctx, &text, &right.span)?),
            CompareOp::NotRegex => Self::NotRegex(anchored(ctx, &text, &right.span)?),
            CompareOp::Less | CompareOp::LessEqual | CompareOp::Greater | CompareOp::GreaterEqual => {
                let Ok(number) = text.parse::<f64>() else {
                    let d = ctx.wrong(&right.span, format!("`<` and `>` on {what} compare numbers"));
                    return Err(d.label("expected a number without unit").into());
                };
                Self::Number(op, number)
            }
        })
    }

    /// The test `in (list)`.
    pub(crate) fn one_of(ctx: &Context<'_>, list: &[Spanned<Literal>]) -> Self {
        Self::In(list.iter().map(|l| literal_text(ctx, l)).collect())
    }

    /// Whether it holds for `text`.
    pub(crate) fn holds(&self, text: &str) -> bool {
        match self {
            Self::Equal(other) => text == other,
            Self::NotEqual(other) => text != other,
            Self::Regex(regex) => regex.is_match(text),
            Self::NotRegex(regex) => !regex.is_match(text),
            Self::Number(op, number) => text.parse::<f64>().is_ok_and(|n| holds(*op, n, *number)),
            Self::In(list) => list.contains(text),
        }
    }
}

/// Whether `left op right`; a missing number (NaN) holds for nothing. A number matches no regular expression.
pub(crate) fn holds(op: CompareOp, left: f64, right: f64) -> bool {
    match op {
        CompareOp::Equal => left == right,
        CompareOp::NotEqual => left != right && !left.is_nan(),
        CompareOp::Less => left < right,
        CompareOp::LessEqual => left <= right,
        CompareOp::Greater => left > right,
        CompareOp::GreaterEqual => left >= right,
        CompareOp::Regex | CompareOp::NotRegex => false,
    }
}

/// A literal as text: a number is the text that was written, so that `0042` stays what it is.
fn literal_text(ctx: &Context<'_>, literal: &Spanned<Literal>) -> String {
    match &literal.value {
        Literal::Text(text) => text.clone(),
        Literal::Number(number) => {
            let unit = number.unit.as_deref().unwrap_or("");
            // What stands there may also be the name of a parameter.
            let reads_so = |t: &&str| t.strip_suffix(unit).is_some_and(|t| t.parse() == Ok(number.value));
            let written = ctx.text.get(literal.span.clone()).filter(reads_so);
            written.map_or_else(|| format!("{}{unit}", number.value), str::to_owned)
        }
    }
}

/// Compiles `pattern` so that it matches from end to end.
pub(crate) fn anchored(ctx: &Context<'_>, pattern: &str, span: &Span) -> Result<Regex> {
    let build = |pattern: &str| {
        regex::RegexBuilder::new(pattern).size_limit(REGEX_LEN_MAX).dfa_size_limit(REGEX_LEN_MAX).build()
    };
    // Tried bare first, so that the message speaks of the pattern as it was written.
    match build(pattern).and_then(|_| build(&format!("^(?:{pattern})$"))) {
        Ok(regex) => Ok(regex),
        Err(e) => {
            let why = match e {
                regex::Error::CompiledTooBig(_) => "it is too large once compiled".to_owned(),
                e => e.to_string().lines().last().unwrap_or("").trim_start_matches("error: ").to_owned(),
            };
            Err(ctx.wrong(span, "this regular expression does not work").label(why).into())
        }
    }
}
