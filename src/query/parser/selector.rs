//! Which series: `metric{label = "value", ...}`.

use super::diagnose::{Problem, shorten};
use super::lexical::{self, Parsed, follows, spaces, symbol};
use super::names::is_reserved;
use super::{Grammar, REGEXES_MAX};
use crate::query::ast::{MatchOp, Matcher, Name, Selector, Spanned};
use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, value};

/// The most memory that one compiled regular expression may take, in bytes.
const REGEX_SIZE_MAX: usize = 1024 * 1024;

impl Grammar<'_> {
    /// `metric [{matcher, ...}]`
    pub(super) fn selector<'i>(&self, i: &'i str) -> Parsed<'i, Selector> {
        let start = spaces(i);
        let quoted = start.starts_with(['"', '\'']);
        let (mut rest, metric) = self.metric(start)?;
        let mut matchers = Vec::new();
        if follows(rest, "{") {
            (rest, matchers) = cut(|i| self.matchers(i)).parse_complete(rest)?;
        }
        Ok((rest, Selector { metric, quoted, matchers, span: self.span(start, rest) }))
    }

    /// A bare or quoted name or a glob.
    fn metric<'i>(&self, i: &'i str) -> Parsed<'i, Name> {
        if i.starts_with(['"', '\'']) {
            return self.name(i, "a metric");
        }
        if i.starts_with('{') {
            return Problem::said(i, 1, "matchers without a metric")
                .label("expected a metric before them; `*` is every metric: `*{...}`")
                .stop();
        }
        let Ok((rest, metric)) = lexical::glob(i) else {
            return Problem::expected(i, "a metric, a number or a call").error();
        };
        if is_reserved(metric) {
            return self.name(i, "a metric");
        }
        Ok((rest, Spanned { value: metric.to_owned(), span: self.span(i, rest) }))
    }

    /// `{matcher, ...}`
    fn matchers<'i>(&self, i: &'i str) -> Parsed<'i, Vec<Matcher>> {
        let (rest, _) = symbol("{", "`{`")(i)?;
        if let Ok((rest, _)) = symbol("}", "`}`")(rest) {
            return Ok((rest, Vec::new()));
        }
        let (rest, matchers) = Self::list("matchers", rest, |i| self.matcher(i))?;
        let (rest, _) = symbol("}", "`,` or `}`")(rest)?;
        Ok((rest, matchers))
    }

    /// `label op value`
    fn matcher<'i>(&self, i: &'i str) -> Parsed<'i, Matcher> {
        let (rest, label) = self.name(i, "a label")?;
        let start = spaces(rest);
        let mut op = alt((
            value(MatchOp::Regex, symbol("=~", "`=`, `!=`, `=~` or `!~`")),
            value(MatchOp::NotRegex, symbol("!~", "")),
            value(MatchOp::NotEqual, alt((symbol("!=", ""), symbol("<>", "")))),
            value(MatchOp::Equal, alt((symbol("==", ""), symbol("=", "")))),
        ));
        let read: Parsed<'_, MatchOp> = op.parse_complete(rest);
        let Ok((rest, op)) = read else {
            if start.starts_with(['<', '>']) {
                return Problem::about_token(start, "a matcher does not compare sizes")
                    .label("expected `=`, `!=`, `=~` or `!~`; sizes are compared in `where`")
                    .stop();
            }
            return Problem::expected(start, "`=`, `!=`, `=~` or `!~`").stop();
        };
        let from = spaces(rest);
        let (rest, value) = self.text_value(from, "a string or a word")?;
        if matches!(op, MatchOp::Regex | MatchOp::NotRegex) {
            self.check_regex(from, rest, &value.value)?;
        }
        Ok((rest, Matcher { label, op, value }))
    }

    /// A text in quotes, or a word that may begin with a digit.
    pub(super) fn text_value<'i>(&self, i: &'i str, expected: &'static str) -> Parsed<'i, Name> {
        let i = spaces(i);
        let word = lexical::word.map(str::to_owned);
        let read: Parsed<'_, String> = alt((lexical::string, word)).parse_complete(i);
        let (rest, text) = match read {
            Err(nom::Err::Error(_)) => {
                Self::whole_word(i, i)?;
                return Problem::expected(i, expected).error();
            }
            read => read?,
        };
        if !i.starts_with(['"', '\'']) {
            Self::whole_word(i, rest)?;
            if is_reserved(&text) {
                return self.name(i, expected);
            }
        }
        Ok((rest, Spanned { value: text, span: self.span(i, rest) }))
    }

    /// Refuses a word that goes on, at `rest`, with what a bare word cannot hold.
    pub(super) fn whole_word(start: &str, rest: &str) -> Result<(), nom::Err<Problem>> {
        let ends = |c: char| {
            c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '{' | '}' | '[' | ']' | '"' | '\'' | '#')
        };
        let more = rest.find(ends).unwrap_or(rest.len());
        if more == 0 || rest.starts_with(['=', '!', '<', '>']) {
            return Ok(());
        }
        let word = &start[..start.len() - rest.len() + more];
        // Quotes of a text processor are part of no value.
        let plain = word.trim_matches(['“', '”', '„', '‘', '’']);
        let mut label = format!("expected \"{}\"", shorten(if plain.is_empty() { word } else { plain }));
        if word.contains('*') {
            label.push_str("; a pattern is written =~ \"web-.*\"");
        }
        Err(nom::Err::Failure(
            Problem::said(start, word.len(), "a value with such characters stands in quotes").label(label),
        ))
    }

    /// Refuses what is no regular expression, or too big a one. `from` begins with it, `to` follows it.
    pub(super) fn check_regex(&self, from: &str, to: &str, regex: &str) -> Result<(), nom::Err<Problem>> {
        Self::count(&self.regexes, REGEXES_MAX, from, "regular expressions in one query")?;
        let checked = regex::RegexBuilder::new(regex).size_limit(REGEX_SIZE_MAX).build();
        let (message, label) = match checked {
            Ok(_) => return Ok(()),
            Err(regex::Error::CompiledTooBig(_)) => {
                ("the regular expression is too big", format!("compiled it takes more than {REGEX_SIZE_MAX} bytes"))
            }
            Err(wrong) => {
                // The last line says what is wrong; those before it draw the expression.
                let said = wrong.to_string();
                let last = said.lines().last().unwrap_or("").trim();
                ("no regular expression", last.strip_prefix("error: ").unwrap_or(last).to_owned())
            }
        };
        let len = from.len() - to.len();
        let message = match message {
            "no regular expression" => format!("`{}` is no regular expression", shorten(regex)),
            message => message.to_owned(),
        };
        Err(nom::Err::Failure(Problem::said(from, len, message).label(label)))
    }
}
