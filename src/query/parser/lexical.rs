//! The smallest parts of a query: white space, names, words, strings, numbers.
//!
//! A parser here takes the text that is left and reads from its first byte. What a query's grammar calls a token is read by
//! [`symbol`], [`keyword`] and the methods of [`super::Grammar`], which skip white space and comments before it.

use super::diagnose::{Problem, shorten};
use crate::model::Duration;
use crate::query::ast::Quantity;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while, take_while_m_n, take_while1};
use nom::character::complete::{anychar, char, digit1, one_of, satisfy};
use nom::combinator::{map_opt, not, opt, recognize, value, verify};
use nom::multi::many0_count;
use nom::sequence::{delimited, terminated};
use nom::{IResult, Parser};

/// What a parser of this module gives: the text that is left, and what was read.
pub(super) type Parsed<'a, T> = IResult<&'a str, T, Problem>;

/// What may stand at the end of a name only by mistake.
const LOOSE_END: [char; 4] = ['.', ':', '/', '-'];

/// Whether `c` may stand inside a bare name.
pub(super) fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || LOOSE_END.contains(&c)
}

/// Whether `c` may begin a bare name.
pub(super) fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// The text after white space and comments.
pub(super) fn spaces(i: &str) -> &str {
    let mut blank = many0_count(alt((take_while1(char::is_whitespace), comment)));
    let skipped: Parsed<'_, usize> = blank.parse_complete(i);
    skipped.map_or(i, |(rest, _)| rest)
}

/// `# ...` up to the end of the line.
fn comment(i: &str) -> Parsed<'_, &str> {
    recognize((char('#'), take_till(|c| c == '\n'))).parse_complete(i)
}

/// The part of `name` that does not end in one of `. : / -`, and what is left of `i` behind it.
fn without_loose_end<'a>(i: &'a str, name: &str) -> (&'a str, &'a str) {
    let len = name.trim_end_matches(LOOSE_END).len();
    (&i[len..], &i[..len])
}

/// A bare name, reserved or not.
pub(super) fn bare(i: &str) -> Parsed<'_, &str> {
    let (_, name) = recognize((satisfy(is_name_start), take_while(is_name_char))).parse_complete(i)?;
    Ok(without_loose_end(i, name))
}

/// A bare name in which `*` stands for anything.
pub(super) fn glob(i: &str) -> Parsed<'_, &str> {
    let first = satisfy(|c| is_name_start(c) || c == '*');
    let (_, name) = recognize((first, take_while(|c| is_name_char(c) || c == '*'))).parse_complete(i)?;
    Ok(without_loose_end(i, name))
}

/// A bare name that may also begin with a digit: `web-1`, `10.0.0.1`, `4f2a9c`.
pub(super) fn word(i: &str) -> Parsed<'_, &str> {
    let (_, name) =
        recognize((satisfy(|c| c.is_alphanumeric() || c == '_'), take_while(is_name_char))).parse_complete(i)?;
    Ok(without_loose_end(i, name))
}

/// The bare name that follows white space, if one does.
pub(super) fn next_word(i: &str) -> Option<&str> {
    bare(spaces(i)).ok().map(|(_, word)| word)
}

/// The keyword `word`, in any case, after white space.
pub(super) fn keyword<'a>(word: &'static str, expected: &'static str) -> impl Fn(&'a str) -> Parsed<'a, &'a str> {
    move |i| {
        let i = spaces(i);
        match verify(bare, |found: &str| found.eq_ignore_ascii_case(word)).parse_complete(i) {
            Err(nom::Err::Error(_)) => Problem::expected(i, expected).error(),
            read => read,
        }
    }
}

/// The characters `symbol`, after white space.
pub(super) fn symbol<'a>(symbol: &'static str, expected: &'static str) -> impl Fn(&'a str) -> Parsed<'a, &'a str> {
    move |i| {
        let i = spaces(i);
        match tag::<_, _, Problem>(symbol).parse_complete(i) {
            Err(_) => Problem::expected(i, expected).error(),
            read => read,
        }
    }
}

/// Whether `symbol` follows white space.
pub(super) fn follows(i: &str, symbol: &str) -> bool {
    spaces(i).starts_with(symbol)
}

/// A text in `"` or `'`.
pub(super) fn string(i: &str) -> Parsed<'_, String> {
    let (mut rest, quote) = one_of("\"'").parse_complete(i)?;
    let mut text = String::new();
    loop {
        let mut plain = take_while(|c| c != quote && !matches!(c, '\\' | '\n' | '\0'));
        let (at, read) = plain.parse_complete(rest)?;
        text.push_str(read);
        match anychar::<_, Problem>(at) {
            Ok((after, c)) if c == quote => return Ok((after, text)),
            Ok((_, '\\')) => {
                let (after, c) = escape(at)?;
                text.push(c);
                rest = after;
            }
            Ok((_, '\0')) => {
                return Problem::said(at, 1, "a NUL byte in a string").label("written as `\\u{0}`").stop();
            }
            _ => {
                let closing = format!("expected the closing `{quote}` on the same line; a line break is written `\\n`");
                return Problem::said(i, i.len() - at.len(), "unterminated string").label(closing).stop();
            }
        }
    }
}

/// `\n` and the other escapes of a text.
fn escape(i: &str) -> Parsed<'_, char> {
    let hex = take_while_m_n(1, 6, |c: char| c.is_ascii_hexdigit());
    let unicode = delimited(tag("\\u{"), hex, char('}'));
    let mut any = alt((
        value('"', tag("\\\"")),
        value('\'', tag("\\'")),
        value('\\', tag("\\\\")),
        value('\n', tag("\\n")),
        value('\t', tag("\\t")),
        map_opt(unicode, |digits| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)),
    ));
    let read: Parsed<'_, char> = any.parse_complete(i);
    read.or_else(|_| {
        let len = i.char_indices().nth(2).map_or(i.len(), |(at, _)| at);
        let escapes = r#"expected one of `\"`, `\'`, `\\`, `\n`, `\t` and `\u{1f600}`"#;
        Problem::said(i, len, format!("unknown escape `{}`", shorten(&i[..len]))).label(escapes).stop()
    })
}

/// The digits of a number, as written: `5`, `0.5`, `.5`, `1e-3`.
fn digits(i: &str) -> Parsed<'_, &str> {
    let fraction = || recognize((char('.'), digit1));
    let exponent = (one_of("eE"), opt(one_of("+-")), digit1);
    recognize((alt((recognize((digit1, opt(fraction()))), fraction())), opt(exponent))).parse_complete(i)
}

/// A number without sign and unit. Infinities and `nan` are none.
pub(super) fn number(i: &str) -> Parsed<'_, f64> {
    let (rest, written) = digits(i)?;
    match written.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((rest, number)),
        _ => Problem::said(i, written.len(), format!("`{}` is too large", shorten(written)))
            .label("expected a number up to 1.8e308")
            .stop(),
    }
}

/// What may touch a number: `ms`, `GiB`, `%`, `MB/s`.
fn unit(i: &str) -> Parsed<'_, &str> {
    let letters = || take_while1(|c: char| c.is_alphabetic() || c == '°');
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    // A call behind the slash is a division: `500ms/count(x)`.
    let per = terminated((char('/'), letters()), not(alt((take_while1(is_name_char), |i| symbol("(", "")(i)))));
    alt((tag("%"), recognize((letters(), take_while(inside), opt(per))))).parse_complete(i)
}

/// A number and the unit that touches it, without sign. A sum of durations (`1h30m`) is given in seconds.
pub(super) fn quantity(i: &str) -> Parsed<'_, Quantity> {
    let run = recognize((digit1, take_while(char::is_alphanumeric)));
    let sum = map_opt(run, |run: &str| {
        let parts = run.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).count();
        let length = run.parse::<Duration>().ok().filter(|length| parts > 1 && length.months == 0)?;
        Some(Quantity { value: length.ns_mean() as f64 / 1e9, unit: Some("s".into()) })
    });
    let single = (number, opt(unit)).map(|(value, unit)| Quantity { value, unit: unit.map(str::to_owned) });
    alt((sum, single)).parse_complete(i)
}

/// A piece of a text, as far as it matters for telling code from texts and comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// White space and comments.
    Blank,
    /// A text in quotes; it ends with its line where the closing quote is missing.
    Quoted,
    /// One other character.
    Other(char),
}

/// The first piece of `i`, what it consists of, and what is left; `None` at the end.
pub(super) fn piece(i: &str) -> Option<(Piece, &str, &str)> {
    let after_blank = spaces(i);
    if after_blank.len() < i.len() {
        return Some((Piece::Blank, &i[..i.len() - after_blank.len()], after_blank));
    }
    let first = i.chars().next()?;
    if !matches!(first, '"' | '\'') {
        let len = first.len_utf8();
        return Some((Piece::Other(first), &i[..len], &i[len..]));
    }
    let mut escaped = false;
    for (at, c) in i.char_indices().skip(1) {
        match c {
            '\n' => return Some((Piece::Quoted, &i[..at], &i[at..])),
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == first => return Some((Piece::Quoted, &i[..=at], &i[at + 1..])),
            _ => {}
        }
    }
    Some((Piece::Quoted, i, ""))
}

/// `text` with every run of white space and comments made one space, but for those inside texts.
pub(super) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((kind, read, after)) = piece(rest) {
        out.push_str(if kind == Piece::Blank { " " } else { read });
        rest = after;
    }
    out.trim().to_owned()
}
