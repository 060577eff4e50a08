//! Bytes on their way out: collected in one buffer, handed on 64 KiB at a time.

use std::io;

/// How many bytes are collected before they are handed on.
const FLUSH_LEN: usize = 64 * 1024;

/// Up to this size a float holds every whole number, so that an integer's digits are the float's.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A buffer in front of a writer.
pub(super) struct Sink<'a> {
    buffer: Vec<u8>,
    out: &'a mut dyn io::Write,
}

impl<'a> Sink<'a> {
    pub(super) fn new(out: &'a mut dyn io::Write) -> Self {
        Self { buffer: Vec::with_capacity(FLUSH_LEN + FLUSH_LEN / 4), out }
    }

    /// The buffer, to append to.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Appends `text`.
    pub(super) fn text(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    /// Appends `count` times `text`.
    pub(super) fn repeat(&mut self, text: &str, count: usize) {
        for _ in 0..count {
            self.text(text);
        }
    }

    /// Removes the spaces at the end of the line, which nobody sees, and ends it.
    pub(super) fn end_line_trimmed(&mut self) -> io::Result<()> {
        while self.buffer.last() == Some(&b' ') {
            self.buffer.pop();
        }
        self.buffer.push(b'\n');
        self.row_done()
    }

    /// Says that a row is complete: the moment to hand the buffer on if it is full.
    pub(super) fn row_done(&mut self) -> io::Result<()> {
        if self.buffer.len() >= FLUSH_LEN { self.finish() } else { Ok(()) }
    }

    /// Hands on what is left.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// Appends the shortest digits that read back as `value` (finite); whole numbers without a point.
pub(super) fn push_number(buffer: &mut Vec<u8>, value: f64) {
    if value.trunc() == value && value.abs() < WHOLE_MAX && !(value == 0.0 && value.is_sign_negative()) {
        push_integer(buffer, value as i64);
        return;
    }
    let mut digits = zmij::Buffer::new();
    let digits = digits.format_finite(value);
    buffer.extend_from_slice(digits.strip_suffix(".0").unwrap_or(digits).as_bytes());
}

/// Appends the digits of `value`.
pub(super) fn push_integer(buffer: &mut Vec<u8>, value: i64) {
    buffer.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digits(value: f64) -> String {
        let mut buffer = Vec::new();
        push_number(&mut buffer, value);
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn whole_numbers_have_no_point() {
        let written = [5.0, 0.0, -0.0, -12.0, 0.1, 1e15, 9_007_199_254_740_993.0, 1e300].map(digits);
        assert_eq!(written, ["5", "0", "-0", "-12", "0.1", "1000000000000000", "9007199254740992", "1e+300"]);
    }

    proptest! {
        #[test]
        fn every_number_reads_back_as_itself(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            let text = digits(value);
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
            let json: f64 = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(json.to_bits(), value.to_bits());
        }
    }
}
