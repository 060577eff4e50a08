//! Durations and instants.

use super::diagnose::{Problem, near, shorten};
use super::lexical::{self, Parsed, next_word, spaces};
use crate::model::{Duration, Timestamp, Zone};
use crate::query::ast::Instant;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::take_while;
use nom::character::complete::{char, digit1, satisfy};
use nom::combinator::{opt, recognize};

const DURATIONS: &str = "500ms, 10s, 5m, 1h30m, 1d, 1w, 1mo or 1y";
/// Instants by name. A day of the week is too near to `today` to be a slip of it, so the first letter must agree.
const NAMED: [&str; 3] = ["now", "today", "yesterday"];

const INSTANT: &str = "an instant such as 1h, 2026-11-20, yesterday or @1732104000";

/// A duration, after white space.
pub(super) fn duration(i: &str) -> Parsed<'_, Duration> {
    let i = spaces(i);
    let run = (satisfy(|c| c.is_ascii_digit()), take_while(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_')));
    let Ok((rest, run)) = recognize(run).parse_complete(i).map_err(|_: nom::Err<Problem>| ()) else {
        return no_duration(i);
    };
    match run.parse() {
        Ok(duration) => Ok((rest, duration)),
        Err(said) => wrong_duration(i, run, rest, &said),
    }
}

fn starts_with_digit(i: &str) -> bool {
    i.starts_with(|c: char| c.is_ascii_digit())
}

/// Something else stands where a duration should.
fn no_duration(i: &str) -> Parsed<'_, Duration> {
    if let Some(unit) = next_word(i).and_then(unit_of) {
        return Problem::about_token(i, "a duration begins with a number")
            .label(format!("did you mean `1{unit}`?"))
            .stop();
    }
    if let Some(positive) = i.strip_prefix('-').filter(|rest| starts_with_digit(rest)) {
        let (rest, _) = duration(positive)?;
        return Problem::said(i, i.len() - rest.len(), "a duration has no sign")
            .label(format!("did you mean `{}`?", &i[1..i.len() - rest.len()]))
            .stop();
    }
    Problem::expected(i, "a duration such as 5m or 1h30m").error()
}

/// `run` begins like a duration but is none; `rest` follows it.
fn wrong_duration<'a>(i: &'a str, run: &str, rest: &'a str, said: &str) -> Parsed<'a, Duration> {
    let number = run.trim_end_matches(char::is_alphabetic);
    let whole = number.bytes().all(|b| b.is_ascii_digit());
    let written = &run[number.len()..];
    let unit = if written.is_empty() { next_word(rest) } else { Some(written) }.and_then(unit_of);
    match unit {
        Some(unit) if whole && !said.contains("too long") => {
            let (with_unit, len) = if written.is_empty() {
                let word = next_word(rest).unwrap_or("");
                (format!("{run} {word}"), i.len() - spaces(rest).len() + word.len())
            } else {
                (run.to_owned(), run.len())
            };
            Problem::said(i, len, format!("`{}` is no duration", shorten(&with_unit)))
                .label(format!("did you mean `{}{unit}`?", shorten(number)))
                .stop()
        }
        _ if whole && written.is_empty() => Problem::said(i, run.len(), format!("`{}` has no unit", shorten(run)))
            .label(format!("did you mean `{}m`? Durations are {DURATIONS}", shorten(run)))
            .stop(),
        _ => {
            let problem = |message: String| Problem::said(i, run.len(), message);
            match said.split_once("is too long: ") {
                Some((_, limit)) => problem(format!("`{}` is too long", shorten(run))).label(limit).stop(),
                None => problem(format!("`{}` is no duration", shorten(run)))
                    .label(match unit.and_then(|unit| without_fraction(number, unit)) {
                        Some(whole) => format!("did you mean `{whole}`?"),
                        None => format!("expected such as {DURATIONS}"),
                    })
                    .stop(),
            }
        }
    }
}

/// `1.5` and `h` as `1h30m`; `None` for calendar units.
fn without_fraction(number: &str, unit: &str) -> Option<Duration> {
    let one = format!("1{unit}").parse::<Duration>().ok().filter(|one| one.is_fixed())?;
    let ns = number.parse::<f64>().ok()? * one.ns as f64;
    (1.0..1e18).contains(&ns).then(|| Duration::from_ns(ns.round() as i64))
}

/// The unit that a person means by `word`.
pub(super) fn unit_of(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    Some(match word.as_str() {
        "ns" | "nanos" | "nanosecond" | "nanoseconds" => "ns",
        "us" | "micros" | "microsecond" | "microseconds" => "us",
        "ms" | "msec" | "millis" | "millisecond" | "milliseconds" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        "w" | "week" | "weeks" => "w",
        "mo" | "mon" | "month" | "months" => "mo",
        "y" | "yr" | "year" | "years" => "y",
        _ => return None,
    })
}

/// A point in time, after white space.
pub(super) fn instant(i: &str) -> Parsed<'_, Instant> {
    let i = spaces(i);
    alt((unix, quoted, date, ago, named)).parse_complete(i)
}

/// Whether all of `text` is an instant.
pub(super) fn is_instant(text: &str) -> bool {
    matches!(instant(text), Ok(("", _)))
}

/// `@1732104000.5`
fn unix(i: &str) -> Parsed<'_, Instant> {
    let (number, _) = char('@').parse_complete(i)?;
    let fraction = opt((char('.'), digit1));
    let parts = (opt(char('-')), digit1, fraction).parse_complete(number);
    let Ok((rest, (minus, seconds, fraction))) = parts.map_err(|_: nom::Err<Problem>| ()) else {
        return Problem::said(i, 1, "`@` without a number")
            .label("expected seconds since 1970 such as @1732104000")
            .stop();
    };
    let written = &i[..i.len() - rest.len()];
    let fraction = fraction.map_or("", |(_, digits): (char, &str)| digits);
    let problem = |label: String| {
        Problem::said(i, written.len(), format!("`{}` is no instant", shorten(written))).label(label).stop()
    };
    if fraction.len() > 9 {
        return problem("expected at most nine decimals".into());
    }
    let digits = format!("{}{seconds}{fraction:0<9}", if minus.is_some() { "-" } else { "" });
    match digits.parse::<i64>() {
        Ok(ns) => Ok((rest, Instant::Unix(ns))),
        Err(_) if (13..=19).contains(&seconds.len()) && fraction.is_empty() => {
            let (whole, part) = seconds.split_at(10);
            problem(format!("`@` counts seconds; did you mean `@{whole}.{}`?", &part[..part.len().min(9)]))
        }
        Err(_) => problem("expected seconds since 1970, of the years 1677 to 2262".into()),
    }
}

/// `"2026-11-20 12:00"`
fn quoted(i: &str) -> Parsed<'_, Instant> {
    let (rest, text) = lexical::string(i)?;
    if Timestamp::parse(&text, Zone::UTC).is_some() {
        return Ok((rest, Instant::Written(text)));
    }
    let problem = Problem::said(i, i.len() - rest.len(), format!("`{}` is no date or date-time", shorten(&text)));
    if !text.starts_with(['"', '\'']) && is_instant(&text) {
        return problem.label("this is written without quotes").stop();
    }
    problem.label("expected such as \"2026-11-20\" or \"2026-11-20 12:00:00+01:00\"").stop()
}

/// `2026-11-20`, `2026-11-20T12:00:00Z`
fn date(i: &str) -> Parsed<'_, Instant> {
    let (_, _) = (digit1, char('-')).parse_complete(i)?;
    let of_date = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.' | '+');
    let (rest, text) = take_while(of_date).parse_complete(i)?;
    if Timestamp::parse(text, Zone::UTC).is_none() {
        return Problem::said(i, text.len(), format!("`{}` is no date or date-time", shorten(text)))
            .label("expected such as 2026-11-20 or 2026-11-20T12:00:00Z, of the years 1677 to 2262")
            .stop();
    }
    // A time of day behind white space would be read as something else.
    let clock = spaces(rest);
    let is_clock: Parsed<'_, _> = (digit1, char(':'), digit1).parse_complete(clock);
    if is_clock.is_ok() {
        let (after, _) = take_while(of_date).parse_complete(clock)?;
        let time = &clock[..clock.len() - after.len()];
        return Problem::said(i, i.len() - after.len(), "a date and a time with white space between stand in quotes")
            .label(format!("did you mean `{text}T{}`?", shorten(time)))
            .stop();
    }
    Ok((rest, Instant::Written(text.to_owned())))
}

/// `1h`: that long before now.
fn ago(i: &str) -> Parsed<'_, Instant> {
    if let Ok((_, digits)) = digit1::<_, Problem>(i)
        && digits.len() >= 9
        && !i[digits.len()..].starts_with(char::is_alphanumeric)
    {
        return Problem::said(i, digits.len(), format!("`{}` has no unit", shorten(digits)))
            .label(format!("seconds since 1970 are written `@{}`", shorten(digits)))
            .stop();
    }
    if !starts_with_digit(i.strip_prefix('-').unwrap_or(i)) {
        return Problem::nothing(i).error();
    }
    duration(i).map(|(rest, duration)| (rest, Instant::Ago(duration)))
}

/// `now`, `today`, `yesterday`.
fn named(i: &str) -> Parsed<'_, Instant> {
    let Ok((rest, word)) = lexical::bare(i) else { return Problem::expected(i, INSTANT).error() };
    let instant = match word.to_lowercase().as_str() {
        "now" => Instant::Now,
        "today" => Instant::Today,
        "yesterday" => Instant::Yesterday,
        lower => {
            let problem = if super::names::is_reserved(word) {
                Problem::unexpected(i)
            } else {
                Problem::about_token(i, format!("`{}` is no instant", shorten(word)))
            };
            let label = match lower.strip_prefix("now-") {
                Some(before) if duration(before).is_ok_and(|(rest, _)| rest.is_empty()) => {
                    format!("did you mean `{before}`? A duration is counted back from now")
                }
                _ => match near(lower, NAMED.into_iter().filter(|name| lower.starts_with(&name[..1]))) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("expected {INSTANT}"),
                },
            };
            return problem.label(label).stop();
        }
    };
    Ok((rest, instant))
}
