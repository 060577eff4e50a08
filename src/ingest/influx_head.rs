//! The part of line protocol before the fields, `measurement,tag=value,tag=value`, and its escapes.
//!
//! A backslash directly before a comma, a space or (in tags and field keys) an equals sign makes that character part of the
//! name; every other backslash stands for itself.

use super::block::{Fault, utf8_no_nul};
use super::series::Registry;
use crate::model::Labels;
use std::borrow::Cow;

/// What may be escaped in a measurement.
const IN_MEASUREMENT: &[u8] = b", ";
/// What may be escaped in tags and field keys.
const IN_KEY: &[u8] = b",= ";

/// A measurement and its tags.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) measurement: String,
    pub(super) labels: Labels,
}

/// The first `wanted` in `text` at or behind `from` that no backslash escapes.
#[inline]
pub(super) fn find_unescaped(text: &[u8], from: usize, wanted: u8) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr(wanted, text.get(at..)?)?;
        if at == 0 || text[at - 1] != b'\\' {
            return Some(at);
        }
        at += 1;
    }
}

/// `text` with its escapes resolved.
fn unescaped<'a>(text: &'a str, special: &[u8]) -> Cow<'a, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escapes = c == '\\' && chars.peek().is_some_and(|next| special.iter().any(|s| char::from(*s) == *next));
        out.push(if escapes { chars.next().unwrap_or(c) } else { c });
    }
    Cow::Owned(out)
}

/// A field key with its escapes resolved; `offset` is where it stands in its line.
pub(super) fn field_key(key: &[u8], offset: usize) -> Result<Cow<'_, str>, Fault> {
    let text = utf8_no_nul(key, offset)?;
    if text.is_empty() {
        return Err(Fault::new("a field without a name", offset..offset + 1).label("expected name=value"));
    }
    for wanted in [b' ', b','] {
        if let Some(at) = find_unescaped(key, 0, wanted) {
            return Err(Fault::new("a field without a value", offset..offset + at)
                .label("expected name=value")
                .help("a space, comma or equals sign in a name is written with a backslash before it"));
        }
    }
    Ok(unescaped(text, IN_KEY))
}

impl Head {
    /// Reads `head`, which begins at `offset` of its line and holds no unescaped space.
    pub(super) fn parse(head: &[u8], offset: usize, registry: &Registry) -> Result<Self, Fault> {
        let text = utf8_no_nul(head, offset)?;
        let end = find_unescaped(head, 0, b',').unwrap_or(head.len());
        let measurement = unescaped(&text[..end], IN_MEASUREMENT);
        if measurement.is_empty() {
            return Err(Fault::new("a line without a measurement", offset..offset + 1)
                .label("expected measurement,tag=value field=value time"));
        }
        let mut tags: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        let mut at = end;
        while at < head.len() {
            let start = at + 1;
            at = find_unescaped(head, start, b',').unwrap_or(head.len());
            tags.push(tag(&text[start..at], offset + start)?);
        }
        let pairs = tags.iter().map(|(key, value)| (&**key, &**value));
        let labels =
            registry.labels(pairs).map_err(|message| Fault::new(message, offset + end..offset + head.len()))?;
        Ok(Self { measurement: measurement.into_owned(), labels })
    }

    /// The metric that the field `key` of this measurement is.
    pub(super) fn metric(&self, key: &str) -> String {
        if key == "value" { self.measurement.clone() } else { format!("{}.{key}", self.measurement) }
    }
}

/// Reads `key=value`, which begins at `offset` of its line.
fn tag(text: &str, offset: usize) -> Result<(Cow<'_, str>, Cow<'_, str>), Fault> {
    let end = offset + text.len();
    let Some(equals) = find_unescaped(text.as_bytes(), 0, b'=') else {
        return Err(Fault::new("a tag without a value", offset..end)
            .label("expected key=value")
            .help("a space or comma in a tag is written with a backslash before it"));
    };
    let (key, value) = (&text[..equals], &text[equals + 1..]);
    if key.is_empty() {
        return Err(Fault::new("a tag without a key", offset..end).label("expected key=value"));
    }
    if value.is_empty() {
        return Err(
            Fault::new(format!("tag `{key}` has no value"), end..end).help("leave the tag away where it has none")
        );
    }
    if let Some(at) = find_unescaped(value.as_bytes(), 0, b'=') {
        let at = offset + equals + 1 + at;
        return Err(Fault::new(format!("an equals sign in the value of tag `{key}`"), at..at + 1)
            .help("write it with a backslash before it: \\="));
    }
    Ok((unescaped(key, IN_KEY), unescaped(value, IN_KEY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(head: &str) -> Result<(String, String), String> {
        let registry = Registry::new(&[]);
        Head::parse(head.as_bytes(), 0, &registry)
            .map(|h| (h.measurement, h.labels.to_string()))
            .map_err(|f| f.diagnostic(head.as_bytes()).message)
    }

    #[test]
    fn escapes_are_resolved_and_other_backslashes_are_kept() {
        let ok = |head: &str, measurement: &str, labels: &str| {
            assert_eq!(parse(head), Ok((measurement.into(), labels.into())), "{head}");
        };
        ok("cpu", "cpu", "{}");
        ok("cpu,b=2,a=1", "cpu", r#"{a="1", b="2"}"#);
        ok(r"my\ cpu\,x=y,a\ b\=c\,d=e\ f\=g\,h", "my cpu,x=y", r#"{a b=c,d="e f=g,h"}"#);
        ok(r"a\=b,path=C:\dir\x", r"a\=b", r#"{path="C:\\dir\\x"}"#);
        ok(r"m,a=x\\,b", r"m", r#"{a="x\\,b"}"#);
        ok("m,a=\"q\"", "m", r#"{a="\"q\""}"#);
    }

    #[test]
    fn broken_tags_are_named() {
        for (head, message) in [
            (",a=1", "a line without a measurement"),
            ("m,a", "a tag without a value"),
            ("m,", "a tag without a value"),
            ("m,=1", "a tag without a key"),
            ("m,a=", "tag `a` has no value"),
            ("m,a=1=2", "an equals sign in the value of tag `a`"),
            ("m,a=1,a=2", "label `a` occurs twice"),
            ("m,a=1,,b=2", "a tag without a value"),
        ] {
            assert_eq!(parse(head), Err(message.into()), "{head}");
        }
    }
}
