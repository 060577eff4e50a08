//! What people write who come from SQL, PromQL or plain English, and what to tell them.
//!
//! A function here is asked only once the grammar knows that the text is wrong; it picks the words.

use super::clauses::CLAUSES;
use super::diagnose::{Problem, found, near, shorten, typography};
use super::lexical::{self, follows, next_word, spaces};
use super::names::is_reserved;

const WHAT: &str = "expected what to compute, such as `p95(decision)`";

/// A statement of another language, told by its first word.
pub(super) fn statement(i: &str) -> Option<Problem> {
    let word = next_word(i).filter(|word| !follows(&i[word.len()..], "("))?;
    let problem = |message: &str, label: String| Some(Problem::about_token(i, message).label(label));
    match word.to_lowercase().as_str() {
        "select" => {
            problem("this is SQL, and perfdb has a language of its own", format!("the same here: `{}`", from_sql(i)))
        }
        "insert" | "update" | "delete" | "create" | "drop" | "alter" => {
            problem("a query only reads", "data comes in through `perfdb ingest`".into())
        }
        "group" | "from" => problem("this is SQL, and perfdb has a language of its own", WHAT.into()),
        _ => None,
    }
}

/// `SELECT f(x) FROM metric GROUP BY time(1m), key` in our words, as far as it can be told.
fn from_sql(i: &str) -> String {
    let (mut function, mut argument, mut metric, mut key, mut every) = ("avg", None, None, None, None);
    let mut before = String::new();
    let mut rest = spaces(i);
    while let Some((_, _, after)) = lexical::piece(rest) {
        let Ok((after, word)) = lexical::word(rest) else {
            rest = after;
            continue;
        };
        rest = after;
        let called = follows(after, "(");
        match before.as_str() {
            "time" if word.starts_with(|c: char| c.is_ascii_digit()) => {
                every = Some(word);
                "by".clone_into(&mut before);
                continue;
            }
            "from" if metric.is_none() => metric = Some(word),
            "by" if key.is_none() && !called => key = Some(word),
            _ if metric.is_none() && argument.is_none() && called => {
                function = word;
                argument = next_word(&spaces(after)[1..]);
            }
            _ => {}
        }
        before = word.to_lowercase();
    }
    let usable = |word: &&str| lexical::bare(word).is_ok() && !is_reserved(word);
    // A table of many metrics has a column for each; one that is named like the measure has a column `value`.
    let argument = argument.filter(usable).filter(|column| !column.eq_ignore_ascii_case("value"));
    let metric = argument.or(metric.filter(usable)).unwrap_or("decision");
    let clause =
        |word: &str, what: Option<&str>| what.map_or(String::new(), |what| format!(" {word} {}", shorten(what)));
    let (by, every) = (clause("by", key.filter(usable)), clause("every", every));
    format!("{}({}){by}{every} since 1h", shorten(&function.to_lowercase()), shorten(metric))
}

/// No expression begins at `i`.
pub(super) fn no_expression(i: &str) -> Problem {
    let Ok((rest, name)) = lexical::bare(i) else {
        let problem = Problem::unexpected(i);
        return match (i.chars().next(), typography(i)) {
            (_, Some(help)) => problem.label(WHAT).help(help),
            (Some('"' | '\''), _) => problem.label("a metric stands inside a function, such as `avg(\"cpu usage\")`"),
            (Some('*'), _) => problem.label("expected what to compute of it, such as `count(*)`"),
            (Some('{'), _) => problem.label("a selector stands inside a function, such as `avg(*{host=\"web-1\"})`"),
            _ => problem.label(WHAT),
        };
    };
    if is_reserved(name) {
        let label =
            if follows(rest, "(") { WHAT } else { "expected what to compute before it, such as `p95(decision)`" };
        return Problem::unexpected(i).label(label);
    }
    let name = shorten(name);
    let next = spaces(rest);
    match next_word(next) {
        Some(word) if !is_reserved(word) => Problem::said(next, word.len(), format!("expected `(` behind `{name}`"))
            .label(format!("did you mean `{name}({})`?", shorten(word))),
        Some(word) if word.eq_ignore_ascii_case("by") && name.starts_with(char::is_alphabetic) && promql_by(next) => {
            Problem::about_token(next, "`by` stands behind the columns")
                .label(format!("such as `{name}(decision) by agent`"))
        }
        _ if next.starts_with('[') => Problem::about_token(next, "a range in brackets is PromQL")
            .label("written `rate(requests) every 5m since 1h`"),
        _ => Problem::about_token(i, format!("`{name}` stands outside a function"))
            .label(format!("a metric stands inside one, such as `avg({name})`")),
    }
}

/// `by (agent) (...)`
fn promql_by(by: &str) -> bool {
    follows(&by[2..], "(")
}

/// What follows a selector at `i`, if it is arithmetic or another language; `start` is where the selector begins.
pub(super) fn after_selector(start: &str, i: &str, function: &str) -> Option<Problem> {
    let first = i.chars().next()?;
    let metric = start[..start.len() - i.len()].trim_end();
    let function = shorten(function);
    match first {
        '+' | '-' | '*' | '/' => {
            let right = match lexical::bare(spaces(&i[1..])) {
                Ok((rest, right)) if !follows(rest, "(") => shorten(right),
                _ => "b".to_owned(),
            };
            let metric = if metric.chars().count() > 40 { "a" } else { metric };
            let label =
                format!("arithmetic goes between aggregates: `{function}({metric}) {first} {function}({right})`");
            Some(Problem::said(i, 1, "arithmetic inside a function").label(label))
        }
        '[' => {
            let len = i.find(']').map_or(1, |at| at + 1);
            let label = format!("written `{function}({}) every 5m since 1h`", shorten(metric));
            Some(Problem::said(i, len, "a range in brackets is PromQL").label(label))
        }
        '<' | '>' | '!' | '=' => {
            let label = format!("conditions stand in `where`: `{function}({}) where value > 500`", shorten(metric));
            Some(Problem::about_token(i, "a comparison inside a function").label(label))
        }
        _ => None,
    }
}

/// The call of `function` does not end at `i`, where it should.
pub(super) fn no_end_of_call(i: &str, function: &str) -> Problem {
    let problem = Problem::unexpected(i);
    match next_word(i) {
        Some(word) if word.eq_ignore_ascii_case("offset") => {
            Problem::about_token(i, "`offset` is PromQL").label("an earlier window is written `against previous 1d`")
        }
        Some(word) if word.eq_ignore_ascii_case("where") => problem
            .label(format!("expected `,` or `)` to end `{}(`", shorten(function)))
            .help("`where` stands behind the columns; matchers inside are written `metric{label=\"value\"}`"),
        _ => {
            let problem = problem.label(format!("expected `,` or `)` to end `{}(`", shorten(function)));
            match typography(i) {
                Some(help) => problem.help(help),
                None => problem,
            }
        }
    }
}

/// No clause begins at `i`. `open_column` tells that `as` could have stood here.
pub(super) fn not_a_clause(i: &str, open_column: bool) -> Problem {
    let Ok((rest, word)) = lexical::bare(i) else { return no_clause_at_all(i, open_column) };
    let lower = word.to_lowercase();
    let said = |message: String, label: &str| Problem::about_token(i, message).label(label);
    let unknown = format!("unknown clause `{}`", shorten(word));
    match lower.as_str() {
        "group" | "grouped" | "groupby" | "per" | "for" => said(unknown, "did you mean `by`?"),
        "sort" | "sorted" | "orderby" => said(unknown, "did you mean `order by`?"),
        "top" | "first" | "head" => said(unknown, "did you mean `limit`?"),
        "from" if lexical::word(spaces(rest)).is_ok_and(|(_, next)| next.starts_with(|c: char| c.is_ascii_digit())) => {
            said(unknown, "did you mean `since`?")
        }
        "from" => said(unknown, "a metric stands inside the function, such as `avg(cpu.usage)`"),
        "to" | "before" | "till" => said(unknown, "did you mean `until`?"),
        "after" | "during" => said(unknown, "did you mean `since`?"),
        "with" | "when" | "filter" => said(unknown, "did you mean `where`?"),
        "step" | "interval" | "bucket" | "resample" => said(unknown, "did you mean `every`?"),
        "tz" | "timezone" | "zone" | "at" => said(unknown, "a zone is written `in \"Europe/Berlin\"`"),
        "offset" => said("`offset` is PromQL".into(), "an earlier window is written `against previous 1d`"),
        "vs" | "versus" | "compared" => said(unknown, "did you mean `against`?"),
        "ago" => said("unexpected `ago`".into(), "`since 1h` is already that long before now: leave it out"),
        "and" | "or" | "not" => said(format!("unexpected `{word}`"), "conditions stand behind `where` or `having`"),
        "asc" | "desc" => said(format!("unexpected `{word}`"), "stands behind a term of `order by`"),
        "as" => said("unexpected `as`".into(), "a name stands right behind its column"),
        "runs" | "run" => said(unknown, "did you mean `last 20 runs`?"),
        _ => {
            if let Some(near) = near(word, CLAUSES) {
                return said(unknown, &format!("did you mean `{near}`?"));
            }
            let problem = Problem::unexpected(i);
            if open_column && follows(rest, "(") {
                return problem.label("expected `,` between columns, or a clause");
            }
            let name = if open_column { format!("; a name is written `as {}`", shorten(word)) } else { String::new() };
            problem.label(format!("{}{name}", expected_clause(open_column))).help(clause_list())
        }
    }
}

fn expected_clause(open_column: bool) -> &'static str {
    if open_column { "expected an operator, `,` or a clause" } else { "expected a clause" }
}

fn clause_list() -> String {
    format!("clauses are {}", CLAUSES.join(", "))
}

/// What is no word stands where a clause could.
fn no_clause_at_all(i: &str, open_column: bool) -> Problem {
    let problem = Problem::unexpected(i);
    let label = match i.chars().next() {
        Some(')') => "no `(` is open here",
        Some(',') if !open_column => "columns come before all clauses",
        Some('[') => "a range in brackets is PromQL; written `every 5m since 1h`",
        Some('=' | '<' | '>' | '!') => "conditions stand behind `where` or `having`",
        Some('%') => "there is no remainder; operators are + - * /",
        Some('^') => "there is no power; operators are + - * /",
        _ => return problem.label(expected_clause(open_column)).help(typography(i).unwrap_or_else(clause_list)),
    };
    problem.label(label)
}

/// No comparison begins at `i`, behind the operand `left`.
pub(super) fn no_comparison(i: &str, left: &str) -> Problem {
    let left = shorten(left);
    let help =
        |token: &str, label: String| Problem::about_token(i, format!("unknown comparison `{token}`")).label(label);
    if let Some(word) = next_word(i) {
        let label = match word.to_lowercase().as_str() {
            "like" | "ilike" | "matches" | "contains" | "regex" | "similar" => {
                format!("did you mean `{left} =~ \"...\"`?")
            }
            "is" => format!("what has no `{left}` is written `{left} = \"\"`"),
            "between" => format!("did you mean `{left} >= ... and {left} <= ...`?"),
            "eq" | "equals" => "did you mean `=`?".to_owned(),
            "ne" => "did you mean `!=`?".to_owned(),
            "gt" | "above" | "over" => "did you mean `>`?".to_owned(),
            "lt" | "below" | "under" => "did you mean `<`?".to_owned(),
            _ => return no_comparison_sign(i),
        };
        return help(word, label);
    }
    let wrong = [("≤", "<="), ("≥", ">="), ("≠", "!="), ("~", "=~"), (":", "=")];
    match wrong.iter().find(|(sign, _)| i.starts_with(sign)) {
        Some((sign, right)) => help(sign, format!("did you mean `{right}`?")),
        None => no_comparison_sign(i),
    }
}

fn no_comparison_sign(i: &str) -> Problem {
    let label = "expected a comparison: =, !=, <, <=, >, >=, =~, !~, in (...) or not in (...)";
    let problem = Problem::about_token(i, format!("unexpected {}", found(i))).label(label);
    match typography(i) {
        Some(help) => problem.help(help),
        None => problem,
    }
}
