//! The clauses: in any order, each at most once.

use super::Grammar;
use super::diagnose::{Problem, any_of, near, shorten};
use super::lexical::{self, Parsed, follows, keyword, next_word, spaces, symbol};
use super::names::is_reserved;
use super::predicate::Side;
use super::{foreign, time};
use crate::model::{Duration, Zone};
use crate::query::ast::{Against, By, Clauses, Fill, Limit, OrderTerm, Spanned};
use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, opt, value};

/// The words that begin a clause.
pub(super) const CLAUSES: [&str; 13] =
    ["where", "by", "every", "since", "until", "last", "against", "having", "fill", "order", "limit", "in", "using"];

impl Grammar<'_> {
    /// All clauses up to the `;` or the end. `open_column` tells that a column without a name stands before them.
    pub(super) fn clauses<'i>(&self, mut i: &'i str, open_column: bool) -> Parsed<'i, Clauses> {
        let mut clauses = Clauses::default();
        let mut seen: Vec<&str> = Vec::new();
        loop {
            let start = spaces(i);
            if start.is_empty() || start.starts_with(';') {
                return Ok((i, clauses));
            }
            let word = next_word(start).unwrap_or("");
            let Some(clause) = CLAUSES.into_iter().find(|clause| clause.eq_ignore_ascii_case(word)) else {
                return foreign::not_a_clause(start, open_column && seen.is_empty()).stop();
            };
            if seen.contains(&clause) {
                return twice(start, clause).stop();
            }
            seen.push(clause);
            i = cut(|i| self.clause(clause, i, start, &mut clauses)).parse_complete(&start[word.len()..])?.0;
        }
    }

    /// The clause that begins with the word `clause` at `start`, read from `i` behind that word.
    fn clause<'i>(&self, clause: &str, i: &'i str, start: &'i str, into: &mut Clauses) -> Parsed<'i, ()> {
        let rest = match clause {
            "where" => keep(&mut into.filter, self.predicate(i, Side::Samples)?),
            "having" => keep(&mut into.having, self.predicate(i, Side::Results)?),
            "by" => keep(&mut into.by, self.spanned(i, |i| self.by(i))?),
            "every" => keep(&mut into.every, self.spanned(i, every)?),
            "since" => keep(&mut into.since, self.spanned(i, time::instant)?),
            "until" => keep(&mut into.until, self.spanned(i, time::instant)?),
            "last" => keep(&mut into.last_runs, self.spanned(i, runs)?),
            "against" => keep(&mut into.against, self.spanned(i, |i| self.against(i))?),
            "fill" => keep(&mut into.fill, self.spanned(i, fill)?),
            "limit" => keep(&mut into.limit, self.spanned(i, |i| self.limit(i))?),
            "in" => keep(&mut into.timezone, self.spanned(i, zone)?),
            "order" => {
                let (rest, order) = self.order(i)?;
                into.order = order;
                rest
            }
            _ => {
                let (rest, _) = keyword("rollups", "`rollups`")(i)?;
                into.using_rollups = Some(self.span(start, rest));
                rest
            }
        };
        Ok((rest, ()))
    }

    /// What `rule` reads, and where it stood.
    fn spanned<'i, T>(&self, i: &'i str, rule: impl FnOnce(&'i str) -> Parsed<'i, T>) -> Parsed<'i, Spanned<T>> {
        let start = spaces(i);
        let (rest, value) = rule(start)?;
        Ok((rest, Spanned { value, span: self.span(start, rest) }))
    }

    /// `* | key, ...`
    fn by<'i>(&self, i: &'i str) -> Parsed<'i, By> {
        if let Ok((rest, _)) = symbol("*", "")(i) {
            return Ok((rest, By::Series));
        }
        if let Some(inside) = i.strip_prefix('(') {
            let key = next_word(inside).unwrap_or("agent");
            return Problem::unexpected(i)
                .label(format!("keys stand without parentheses: `by {}`", shorten(key)))
                .stop();
        }
        let key = |i| {
            let (rest, name) = cut(|i| self.name(i, "a label such as `agent`")).parse_complete(i)?;
            if rest.starts_with('(') {
                return Problem::unexpected(rest).label("a key is a name, not a call; time is cut by `every`").stop();
            }
            Ok((rest, name))
        };
        Self::list("keys", i, key).map(|(rest, keys)| (rest, By::Keys(keys)))
    }

    /// `baseline name | branch name [last N runs] | run id | previous [duration]`
    fn against<'i>(&self, i: &'i str) -> Parsed<'i, Against> {
        const KINDS: [&str; 4] = ["baseline", "branch", "run", "previous"];
        let word = next_word(i).unwrap_or("");
        let rest = &i[word.len()..];
        let named = |what| cut(|i| self.text_value(i, what)).parse_complete(rest);
        match word.to_lowercase().as_str() {
            "baseline" => named("the name of a baseline").map(|(rest, name)| (rest, Against::Baseline(name))),
            "run" => named("the id of a run").map(|(rest, name)| (rest, Against::Run(name))),
            "branch" => {
                let (rest, name) = named("the name of a branch")?;
                let (rest, last) = opt(keyword("last", "")).parse_complete(rest)?;
                let (rest, count) = if last.is_some() { runs.map(Some).parse_complete(rest)? } else { (rest, None) };
                Ok((rest, Against::Branch(name, count)))
            }
            "previous" if spaces(rest).starts_with(|c: char| c.is_ascii_digit()) => {
                nonzero(rest).map(|(rest, shift)| (rest, Against::Previous(Some(shift))))
            }
            "previous" => Ok((rest, Against::Previous(None))),
            _ => {
                let problem = Problem::unexpected(i);
                match near(word, KINDS) {
                    Some(near) => problem.label(format!("did you mean `{near}`?")),
                    _ if word.is_empty() || is_reserved(word) => problem.label(format!("expected {}", any_of(&KINDS))),
                    _ => {
                        let word = shorten(word);
                        problem.label(format!("did you mean `baseline {word}`, `branch {word}` or `run {word}`?"))
                    }
                }
                .stop()
            }
        }
    }

    /// `by term [asc | desc], ...`
    fn order<'i>(&self, i: &'i str) -> Parsed<'i, Vec<OrderTerm>> {
        let Ok((rest, _)) = keyword("by", "")(i) else {
            return Problem::unexpected(spaces(i)).label("expected `by`, as in `order by value desc`").stop();
        };
        let term = |i| {
            let (rest, term) = self.operand(i, "a column, an alias, a key, `time` or `value`")?;
            let direction = alt((value(false, keyword("asc", "")), value(true, keyword("desc", ""))));
            let (rest, descending) = opt(direction).parse_complete(rest)?;
            if descending.is_none()
                && let Some(word) = next_word(rest).filter(|word| is_direction(word))
            {
                let near = if word.to_lowercase().starts_with('a') { "asc" } else { "desc" };
                return Problem::about_token(spaces(rest), format!("unknown order `{word}`"))
                    .label(format!("did you mean `{near}`?"))
                    .stop();
            }
            Ok((rest, OrderTerm { term, descending: descending.unwrap_or(false) }))
        };
        Self::list("terms of an order", rest, term)
    }

    /// `N [per key]`
    fn limit<'i>(&self, i: &'i str) -> Parsed<'i, Limit> {
        let (rest, count) = integer(i, "how many rows, such as 20")?;
        let (rest, per) = opt(keyword("per", "")).parse_complete(rest)?;
        let key = |i| self.name(i, "a key of `by`");
        let (rest, per) = if per.is_some() { cut(key).map(Some).parse_complete(rest)? } else { (rest, None) };
        if follows(rest, ",") {
            return Problem::unexpected(spaces(rest)).label("`limit` has one number; rows are not skipped").stop();
        }
        Ok((rest, Limit { count, per }))
    }
}

/// Keeps what was read, and gives what is left.
fn keep<'i, T>(into: &mut Option<T>, (rest, read): (&'i str, T)) -> &'i str {
    *into = Some(read);
    rest
}

fn twice(start: &str, clause: &str) -> Problem {
    let label = match clause {
        "where" | "having" => format!("one `{clause}` takes several conditions: `{clause} a and b`"),
        "by" | "order" => format!("one `{clause}` takes several keys, with commas between"),
        _ => "each clause stands at most once".to_owned(),
    };
    Problem::about_token(start, format!("a second `{clause}`")).label(label)
}

fn is_direction(word: &str) -> bool {
    ["ascending", "descending", "asce", "decs", "dsc", "descend", "ascend", "down", "up"]
        .iter()
        .any(|wrong| wrong.eq_ignore_ascii_case(word))
}

/// A whole number, after white space.
fn integer<'i>(i: &'i str, expected: &'static str) -> Parsed<'i, u64> {
    let i = spaces(i);
    let len = i.strip_prefix('-').map_or(0, |_| 1);
    let Ok((rest, word)) = lexical::word(&i[len..]) else { return Problem::expected(i, expected).stop() };
    let written = &i[..len + word.len()];
    match written.parse::<u64>() {
        Ok(count) => Ok((rest, count)),
        Err(_) if is_reserved(word) => Problem::unexpected(i).label(format!("expected {expected}")).stop(),
        Err(_) if word.bytes().all(|b| b.is_ascii_digit()) && len == 0 => {
            Problem::said(i, written.len(), format!("`{}` is too large", shorten(written)))
                .label(format!("expected at most {}", u64::MAX))
                .stop()
        }
        Err(_) => Problem::said(i, written.len(), format!("`{}` is no whole number from 0 on", shorten(written)))
            .label(format!("expected {expected}"))
            .stop(),
    }
}

/// `N runs`
fn runs(i: &str) -> Parsed<'_, u64> {
    let (rest, count) = match time::duration(i) {
        Ok((_, length)) => {
            return Problem::about_token(spaces(i), "`last` counts runs")
                .label(format!("expected such as `last 20 runs`; a duration is written `since {length}`"))
                .stop();
        }
        Err(_) => integer(i, "how many runs, as in `last 20 runs`")?,
    };
    if count == 0 {
        return Problem::about_token(spaces(i), "no runs at all").label("expected at least 1").stop();
    }
    if let Some((word, unit)) = next_word(rest).and_then(|word| Some((word, time::unit_of(word)?))) {
        let at = spaces(i);
        return Problem::said(at, at.len() - spaces(rest).len() + word.len(), "`last` counts runs")
            .label(format!("did you mean `since {count}{unit}`?"))
            .stop();
    }
    let run = if count == 1 { "run" } else { "runs" };
    let (rest, _) = alt((keyword("runs", "`runs`"), keyword(run, "")))
        .parse_complete(rest)
        .or_else(|_: nom::Err<Problem>| Problem::expected(spaces(rest), "`runs`").stop())?;
    Ok((rest, count))
}

/// The width of a bucket.
fn every(i: &str) -> Parsed<'_, Duration> {
    let (rest, width) = nonzero(i)?;
    let calendar = usize::from(width.months > 0) + usize::from(width.days > 0);
    if calendar > 1 || (calendar == 1 && width.ns > 0) {
        let at = spaces(i);
        let kinds = "expected one kind of unit: months and years, days and weeks, or h, m, s and below";
        return Problem::said(at, at.len() - rest.len(), "a bucket of units that do not mix").label(kinds).stop();
    }
    Ok((rest, width))
}

/// A duration above zero.
fn nonzero(i: &str) -> Parsed<'_, Duration> {
    let (rest, length) = time::duration(i)?;
    if length.is_zero() {
        let at = spaces(i);
        return Problem::said(at, at.len() - rest.len(), "a duration of zero").label("expected at least 1ns").stop();
    }
    Ok((rest, length))
}

/// `none | null | zero | previous | linear | number`
fn fill(i: &str) -> Parsed<'_, Fill> {
    const KINDS: [(&str, Fill); 5] = [
        ("none", Fill::None),
        ("null", Fill::Null),
        ("zero", Fill::Zero),
        ("previous", Fill::Previous),
        ("linear", Fill::Linear),
    ];
    let signed = (opt(symbol("-", "")), |i| lexical::number(spaces(i)));
    let mut number = signed.map(|(minus, number)| Fill::Number(if minus.is_some() { -number } else { number }));
    match number.parse_complete(i) {
        Ok((rest, fill)) if !rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '%' | '.')) => {
            return Ok((rest, fill));
        }
        Ok((rest, _)) => {
            return Problem::unexpected(rest)
                .label("a number to fill with has no unit: it is in the column's own")
                .stop();
        }
        Err(nom::Err::Error(_)) => {}
        Err(err) => return Err(err),
    }
    let word = next_word(i).unwrap_or("");
    if let Some((_, fill)) = KINDS.into_iter().find(|(kind, _)| kind.eq_ignore_ascii_case(word)) {
        return Ok((&i[word.len()..], fill));
    }
    let names = KINDS.map(|(kind, _)| kind);
    let label = match near(word, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("expected a number, {}", any_of(&names)),
    };
    Problem::unexpected(i).label(label).stop()
}

/// `"Europe/Berlin"`
fn zone(i: &str) -> Parsed<'_, Zone> {
    let (rest, name) = match lexical::string(i) {
        Err(nom::Err::Error(_)) => {
            return Problem::unexpected(i).label("expected a zone in quotes, such as `in \"Europe/Berlin\"`").stop();
        }
        read => read?,
    };
    if let Ok(zone) = name.parse() {
        return Ok((rest, zone));
    }
    let label = match near(&name, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "expected a name of the IANA list, such as \"Europe/Berlin\" or \"UTC\"".to_owned(),
    };
    Problem::said(i, i.len() - rest.len(), format!("unknown time zone `{}`", shorten(&name))).label(label).stop()
}
