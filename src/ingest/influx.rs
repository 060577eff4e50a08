//! InfluxDB line protocol: `measurement,tag=value field=1.5,other=2i 1767225600000000000`.
//!
//! As the protocol's own readers do it: a backslash escapes only a comma, space or equals sign behind it; blanks may stand
//! at the beginning and between the parts of a line; a field that occurs twice gives two samples. Unlike them, a string
//! must end on its line, and a repeated tag is an error.
//!
//! A field `value` is the metric named like its measurement, another field is `measurement.field`. Most lines repeat a
//! series that was seen before: the bytes before the fields are looked up as they are, and each field's name is compared
//! with the one that stood there last time, so that nothing is unescaped, sorted or allocated twice.

use super::block::{Counts, Fault, Parse, Parsed, clipped, each_line, utf8_no_nul};
use super::influx_head::{Head, field_key, find_unescaped};
use super::number::{TimeFault, decimal, integer, number, rounds, time_whole};
use super::options::{Clock, Options, Precision, Strings};
use super::series::{Budget, Cache, Registry};
use std::ops::Range;
use std::sync::Arc;

/// Stands for a series that no number was seen of yet.
const NONE: u32 = u32::MAX;

/// How many fields of a head are remembered.
const FIELDS_MAX: usize = 4_096;

/// How many remembered fields are compared before one is looked up by its name.
const FIELDS_TRIED_MAX: usize = 64;

/// The fields that lines with one head have, in the order in which they were first seen.
#[derive(Debug, Default)]
struct Fields {
    /// The raw keys with their equals signs, one behind the other.
    keys: Vec<u8>,
    /// The end of each key in `keys`, and its series.
    list: Vec<(u32, u32)>,
}

impl Fields {
    #[inline]
    fn key(&self, index: usize) -> Option<&[u8]> {
        let end = self.list.get(index)?.0 as usize;
        let start = if index == 0 { 0 } else { self.list[index - 1].0 as usize };
        self.keys.get(start..end)
    }

    /// The field that `text` begins with, where the one at `expected` is likely.
    #[inline]
    fn find(&self, text: &[u8], expected: usize) -> Option<(usize, usize)> {
        let fits = |index: usize| self.key(index).filter(|key| text.starts_with(key)).map(|key| (index, key.len()));
        fits(expected).or_else(|| {
            let later = (expected + 1..self.list.len()).take(FIELDS_TRIED_MAX);
            let earlier = (0..expected.min(self.list.len())).take(FIELDS_TRIED_MAX);
            later.chain(earlier).find_map(fits)
        })
    }
}

/// Reads lines.
pub(super) struct Influx {
    registry: Arc<Registry>,
    cache: Cache<Fields>,
    precision: Precision,
    strings: Strings,
    clock: Clock,
}

/// What a field holds.
enum Value {
    Number(f64),
    String,
}

impl Influx {
    pub(super) fn new(registry: Arc<Registry>, options: &Options) -> Self {
        let Options { precision, strings, .. } = options;
        Self { registry, cache: Cache::new(), precision: *precision, strings: *strings, clock: options.clock() }
    }
}

impl Parse for Influx {
    fn parse(&mut self, bytes: &[u8], out: &mut Parsed) {
        each_line(bytes, out, |line, out| self.line(line, out));
    }
}

impl Influx {
    #[inline]
    fn line(&mut self, line: &[u8], out: &mut Parsed) -> Result<(), Fault> {
        let start = skip_blanks(line, 0);
        match line.get(start) {
            None => return Ok(()),
            Some(b'#') => return utf8_no_nul(line, 0).map(|_| ()),
            Some(_) => {}
        }
        let Some(head_end) = find_unescaped(line, start, b' ') else {
            return Err(no_fields(line));
        };
        let head = start..head_end;
        let (cached, parsed_head) = match self.cache.find(&line[head.clone()]) {
            Some(cached) => (cached, None),
            None => self.miss(line, head.clone())?,
        };
        let mut work = Work {
            line,
            head,
            parsed_head,
            budget: Budget::new(),
            registry: &self.registry,
            strings: self.strings,
            added: 0,
        };
        let rest = work.fields(self.cache.at(cached), skip_blanks(line, head_end), out)?;
        self.cache.grown(work.added);
        let text = line[rest..].trim_ascii_end();
        let time = if text.is_empty() {
            out.missing_time = true;
            self.clock.now()
        } else {
            let at = rest..rest + text.len();
            time_whole(text, self.precision).map_err(|fault| no_time(text, at, fault, self.precision))?
        };
        let count = out.columns.values.len();
        if count > out.columns.times.len() {
            out.columns.times.resize(count, time);
            out.saw_time(time);
        }
        Ok(())
    }

    /// Reads a head that is new here.
    #[cold]
    fn miss(&mut self, line: &[u8], head: Range<usize>) -> Result<(usize, Option<Head>), Fault> {
        let bytes = &line[head.clone()];
        let parsed = Head::parse(bytes, head.start, &self.registry)?;
        Ok((self.cache.insert(bytes, Fields::default()), Some(parsed)))
    }
}

/// The fields of one line, being read.
struct Work<'a> {
    line: &'a [u8],
    head: Range<usize>,
    /// The head in plain text, where it is new or some field needed it.
    parsed_head: Option<Head>,
    budget: Budget,
    registry: &'a Registry,
    strings: Strings,
    /// How many bytes the remembered fields have grown by.
    added: usize,
}

impl Work<'_> {
    /// Reads the fields from `at` on, and adds series and values to `out`. Where the time begins, or the line's end.
    #[inline]
    fn fields(&mut self, known: &mut Fields, mut at: usize, out: &mut Parsed) -> Result<usize, Fault> {
        let mut expected = 0;
        loop {
            let (index, key_len) = match known.find(&self.line[at..], expected) {
                Some(found) => found,
                None => self.new_field(known, at)?,
            };
            expected = index + 1;
            let key = at..at + key_len;
            let (value, end) = self.value(key.clone(), &mut out.counts)?;
            if let Value::Number(value) = value {
                let mut series = known.list.get(index).map_or(NONE, |f| f.1);
                if series == NONE {
                    series = self.register(key)?;
                    if let Some(field) = known.list.get_mut(index) {
                        field.1 = series;
                    }
                }
                out.columns.series.push(series);
                out.columns.values.push(value);
            }
            match self.line.get(end) {
                Some(b',') => at = end + 1,
                Some(_) => return Ok(skip_blanks(self.line, end)),
                None => return Ok(end),
            }
        }
    }

    /// Remembers the field that begins at `at`: its place, which is past the list where that is full, and its key's length.
    #[cold]
    fn new_field(&mut self, known: &mut Fields, at: usize) -> Result<(usize, usize), Fault> {
        let rest = &self.line[at..];
        let Some(equals) = find_unescaped(rest, 0, b'=') else {
            return Err(if rest.is_empty() && at > 0 && self.line[at - 1] != b',' {
                no_fields(self.line)
            } else {
                Fault::new("a field without a value", at..self.line.len()).label("expected name=value")
            });
        };
        field_key(&rest[..equals], at)?;
        if known.list.len() >= FIELDS_MAX {
            return Ok((FIELDS_MAX, equals + 1));
        }
        known.keys.extend_from_slice(&rest[..=equals]);
        known.list.push((known.keys.len() as u32, NONE));
        self.added += equals + 9;
        Ok((known.list.len() - 1, equals + 1))
    }

    /// The series of the field whose key, with its equals sign, is at `key`.
    #[cold]
    fn register(&mut self, key: Range<usize>) -> Result<u32, Fault> {
        let head = match self.parsed_head.take() {
            Some(head) => head,
            None => Head::parse(&self.line[self.head.clone()], self.head.start, self.registry)?,
        };
        let key = key.start..key.end - 1;
        let metric = head.metric(&field_key(&self.line[key.clone()], key.start)?);
        let id = self.registry.id(&metric, &head.labels, &mut self.budget).map_err(|m| Fault::new(m, key))?;
        self.parsed_head = Some(head);
        Ok(id)
    }

    /// Reads the value behind `key`, and where it ends: at a comma, a space or the line's end.
    #[inline]
    fn value(&self, key: Range<usize>, counts: &mut Counts) -> Result<(Value, usize), Fault> {
        let text = &self.line[key.end..];
        let number = decimal(text);
        match text.get(number.len) {
            None | Some(b',' | b' ') => {
                if let Some(value) = number.exact() {
                    return Ok((Value::Number(value), key.end + number.len));
                }
            }
            Some(b'i' | b'u') if matches!(text.get(number.len + 1), None | Some(b',' | b' ')) => {
                if let Some(whole) = number.integer()
                    && (whole >= 0 || text[number.len] == b'i')
                {
                    counts.rounded += u64::from(rounds(whole.into()));
                    return Ok((Value::Number(whole as f64), key.end + number.len + 1));
                }
            }
            _ => {}
        }
        self.rare_value(key, counts)
    }

    /// Reads the values that are no short numbers.
    #[cold]
    fn rare_value(&self, key: Range<usize>, counts: &mut Counts) -> Result<(Value, usize), Fault> {
        let start = key.end;
        if self.line.get(start) == Some(&b'"') {
            return self.string(key, counts);
        }
        let len = self.line[start..].iter().position(|b| matches!(b, b',' | b' ')).unwrap_or(self.line.len() - start);
        let (text, span) = (&self.line[start..start + len], start..start + len);
        let done = |value: f64| Ok((Value::Number(value), start + len));
        match text {
            b"t" | b"T" | b"true" | b"True" | b"TRUE" | b"f" | b"F" | b"false" | b"False" | b"FALSE" => {
                counts.booleans += 1;
                done(f64::from(u8::from(matches!(text[0], b't' | b'T'))))
            }
            [digits @ .., suffix @ (b'i' | b'u')] if is_whole(digits) => {
                let whole = whole(digits, *suffix).ok_or_else(|| {
                    Fault::new("an integer that does not fit 64 bits", span).label(match suffix {
                        b'i' => "expected -9223372036854775808 to 9223372036854775807",
                        _ => "expected 0 to 18446744073709551615",
                    })
                })?;
                counts.rounded += u64::from(rounds(whole));
                done(whole as f64)
            }
            _ => match number(text) {
                Some(number) if number.value.is_finite() => done(number.value),
                Some(_) => Err(Fault::new("a number that is too large", span).label("the largest is about 1.8e308")),
                None => Err(no_value(text, span)),
            },
        }
    }

    /// Reads the string behind `key`.
    fn string(&self, key: Range<usize>, counts: &mut Counts) -> Result<(Value, usize), Fault> {
        let start = key.end;
        let mut at = start + 1;
        loop {
            match memchr::memchr2(b'"', b'\\', self.line.get(at..).unwrap_or_default()) {
                None => {
                    return Err(Fault::new("a string that is never closed", start..start + 1)
                        .label("it opens here")
                        .help("perfdb reads no strings with a line break inside"));
                }
                Some(i) if self.line[at + i] == b'"' => {
                    at += i + 1;
                    break;
                }
                Some(i) => at += i + 2,
            }
        }
        if !matches!(self.line.get(at), None | Some(b',' | b' ')) {
            return Err(Fault::new("text behind a string", at..at + 1).label("expected a comma or a space"));
        }
        utf8_no_nul(&self.line[start..at], start)?;
        match self.strings {
            Strings::Skip => {
                counts.strings += 1;
                Ok((Value::String, at))
            }
            Strings::Refuse => {
                let name = clipped(&self.line[key.start..key.end - 1]);
                Err(Fault::new(format!("field `{name}` is a string, and a sample is a number"), start..at)
                    .help("`--strings skip` leaves string fields out"))
            }
        }
    }
}

/// The first place at or behind `at` that is neither space nor tab.
#[inline]
fn skip_blanks(line: &[u8], mut at: usize) -> usize {
    while matches!(line.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    at
}

/// Whether `text` is an optional sign and digits.
fn is_whole(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// The integer `digits` with the suffix `i` or `u`, if it fits.
fn whole(digits: &[u8], suffix: u8) -> Option<i128> {
    if suffix == b'i' {
        return integer(digits).map(i128::from);
    }
    std::str::from_utf8(digits).ok()?.parse::<u64>().ok().map(i128::from)
}

#[cold]
fn no_fields(line: &[u8]) -> Fault {
    Fault::new("a line without fields", line.len()..line.len()).label("expected a space and field=value")
}

#[cold]
fn no_value(text: &[u8], span: Range<usize>) -> Fault {
    let lower = text.to_ascii_lowercase();
    let sizes: [&[u8]; 8] = [b"nan", b"inf", b"-inf", b"+inf", b"infinity", b"-infinity", b"+infinity", b"-nan"];
    if sizes.contains(&lower.as_slice()) {
        return Fault::new("a value that is no finite number", span).label("line protocol has none of these");
    }
    if text.is_empty() {
        return Fault::new("a field without a value", span).label("expected a number");
    }
    Fault::new(format!("`{}` is no value", clipped(text)), span)
        .label("expected a number such as 1.5, 5i or 5u, true or false, or a \"string\"")
}

#[cold]
fn no_time(text: &[u8], span: Range<usize>, fault: TimeFault, precision: Precision) -> Fault {
    let shown = clipped(text);
    match fault {
        TimeFault::OutOfRange => {
            Fault::new(format!("the time {shown} {precision} lies outside the years 1677 to 2262"), span)
                .help("is the precision right? `--precision` takes ns, us, ms and s")
        }
        TimeFault::NotATime => Fault::new(format!("`{shown}` is no time"), span)
            .label(format!("expected a whole number of {}", precision.noun()))
            .help("a space in a tag or a field's name is written with a backslash before it"),
    }
}
