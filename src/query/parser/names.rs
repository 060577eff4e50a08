//! How a name is written: the reserved words, and quoting.

use super::lexical;
use std::fmt::Write;

/// The words that a query gives a meaning, sorted: a name equal to one of them, in any case, stands in quotes.
pub const RESERVED: [&str; 19] = [
    "against", "and", "as", "asc", "by", "desc", "every", "fill", "having", "in", "last", "limit", "not", "or",
    "order", "since", "until", "using", "where",
];

/// Whether `word` is reserved, in any case.
pub(super) fn is_reserved(word: &str) -> bool {
    word.len() <= 7 && RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// Whether `name` may stand in a query without quotes.
///
/// ```
/// use perfdb::query::parser::bare_name_ok;
/// assert!(bare_name_ok("cpu.usage"));
/// assert!(!bare_name_ok("since"));
/// assert!(!bare_name_ok("5xx"));
/// ```
pub fn bare_name_ok(name: &str) -> bool {
    !is_reserved(name) && matches!(lexical::bare(name), Ok(("", _)))
}

/// `name` as it is written in a query: bare where it can be, else in quotes.
///
/// ```
/// use perfdb::query::parser::quote_name;
/// assert_eq!(quote_name("cpu.usage"), "cpu.usage");
/// assert_eq!(quote_name("order"), "\"order\"");
/// assert_eq!(quote_name("a \"b\""), r#""a \"b\"""#);
/// ```
pub fn quote_name(name: &str) -> String {
    if bare_name_ok(name) { name.to_owned() } else { quote_text(name) }
}

/// `text` in quotes, with everything escaped that a query cannot hold as it is or that would hide from a reader.
pub fn quote_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if crate::error::printable(c.encode_utf8(&mut [0; 4])).len() != c.len_utf8() => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
