//! Which format an input has, by its name and its first bytes.

use super::block::{Parse, Parsed};
use super::influx::Influx;
use super::options::{FORMATS, Format, Options, Strings};
use super::series::Registry;
use crate::error::{Error, Result, printable};
use std::path::Path;
use std::sync::Arc;

/// First bytes that tell what a file is, where that is nothing that perfdb reads.
const FOREIGN: [(&[u8], &str, &str); 7] = [
    (b"\x1f\x8b", "compressed with gzip", "unpack it: `zcat FILE | perfdb ingest -`"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it: `zstdcat FILE | perfdb ingest -`"),
    (b"PK\x03\x04", "a zip archive", "unpack it first"),
    (b"PAR1", "a Parquet file", "convert it to CSV first"),
    (b"redb\x1a\x0a", "a redb database", "is it a store of perfdb? then query it with `--db FILE`"),
    (b"\xff\xfe", "UTF-16 text", "convert it: `iconv -f utf-16 -t utf-8 FILE`"),
    (b"\xfe\xff", "UTF-16 text", "convert it: `iconv -f utf-16 -t utf-8 FILE`"),
];

/// The format of an input that is called `path` and begins with `head` (some KiB are enough).
///
/// The name's extension decides where it is a known one, else the content does.
///
/// # Errors
/// [`Error::Usage`] where neither tells, with the list of formats.
///
/// ```
/// use perfdb::ingest::{Format, detect};
/// assert_eq!(detect(None, b"cpu,host=a usage=1 1767225600000000000\n").unwrap(), Format::Influx);
/// assert_eq!(detect(None, b"{\"metric\": \"cpu\", \"value\": 1}\n").unwrap(), Format::Jsonl);
/// assert_eq!(detect(None, b"time,cpu\n2026-11-20,1\n").unwrap(), Format::Csv);
/// assert_eq!(detect(Some("x.tsv".as_ref()), b"").unwrap(), Format::Csv);
/// assert!(detect(None, b"hello\n").is_err());
/// ```
pub fn detect(path: Option<&Path>, head: &[u8]) -> Result<Format> {
    let name = path.map_or("the input".to_owned(), |p| format!("`{}`", printable(&p.display().to_string())));
    if let Some((_, what, help)) = FOREIGN.iter().find(|f| head.starts_with(f.0)) {
        return Err(Error::usage_hint(format!("{name} is {what}, which perfdb does not read"), *help));
    }
    if let Some(format) = path.and_then(by_name) {
        return Ok(format);
    }
    if head.trim_ascii().is_empty() {
        return Err(Error::usage_hint(
            format!("{name} is empty"),
            "is it the right file, and was it written to the end?",
        ));
    }
    by_content(head).ok_or_else(|| Error::usage_hint(format!("the format of {name} is not to be seen"), FORMATS))
}

fn by_name(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "lp" | "influx" | "line" => Some(Format::Influx),
        "csv" | "tsv" => Some(Format::Csv),
        "jsonl" | "ndjson" => Some(Format::Jsonl),
        _ => None,
    }
}

fn by_content(head: &[u8]) -> Option<Format> {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    if memchr::memchr(0, head).is_some() {
        return None;
    }
    let is_comment = |line: &&[u8]| line.trim_ascii().is_empty() || line.starts_with(b"#");
    let line = head.split(|b| *b == b'\n').find(|line| !is_comment(line))?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.trim_ascii_start().starts_with(b"{") {
        return Some(Format::Jsonl);
    }
    // A header of CSV is no line of line protocol, since it has no equals sign behind a space.
    if is_influx(line, line.len() == head.len()) {
        return Some(Format::Influx);
    }
    let has_delimiter = line.iter().any(|b| matches!(b, b',' | b';' | b'\t'));
    has_delimiter.then_some(Format::Csv)
}

/// Whether `line` is line protocol. If it `is_cut`, its last field may be broken.
fn is_influx(line: &[u8], is_cut: bool) -> bool {
    let reads = |line: &[u8]| {
        let options = Options { strings: Strings::Skip, ..Options::default() };
        let mut out = Parsed::new(false);
        Influx::new(Arc::new(Registry::new(&[])), &options).parse(line, &mut out);
        out.bad_count == 0
    };
    let last_comma = || memchr::memrchr(b',', line).map_or(line, |end| &line[..end]);
    reads(line) || (is_cut && reads(last_comma()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_where_the_name_says_nothing() {
        for (head, format) in [
            ("# comment\n\ncpu usage=1", Some(Format::Influx)),
            ("cpu,host=a usage=1,idle=\"cut of", Some(Format::Influx)),
            ("m,a=b s=\"x y\" 5\r\n", Some(Format::Influx)),
            ("\u{feff}time;cpu\n1;2\n", Some(Format::Csv)),
            ("time\tcpu\n", Some(Format::Csv)),
            ("\"a=b c=1\",x\n", Some(Format::Csv)),
            ("  {\"metric\"", Some(Format::Jsonl)),
            ("[1, 2]", Some(Format::Csv)),
            ("just words", None),
            ("a,b\0", None),
        ] {
            assert_eq!(by_content(head.as_bytes()), format, "{head:?}");
        }
    }

    #[test]
    fn files_of_other_kinds_are_named() {
        let message = |head: &[u8]| detect(Some("x.lp".as_ref()), head).unwrap_err().to_string();
        assert!(message(b"\x1f\x8b\x08").contains("gzip"));
        assert!(detect(None, b"hello").unwrap_err().to_string().contains("influx (line protocol), csv and jsonl"));
        assert!(detect(None, b" \n").unwrap_err().to_string().contains("is empty"));
    }
}
