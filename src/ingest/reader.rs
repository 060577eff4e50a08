//! The reader thread: bytes of the input into blocks of whole lines, in reused buffers.
//!
//! Invariant: the blocks of an input, put together, are its bytes (without a byte order mark), and each but the last ends
//! with the end of a line or row.

use super::LINE_LEN_MAX;
use super::block::{Fault, Parsed, too_long};
use super::csv_plan::{Header, Plan};
use super::csv_record::Cutter;
use super::options::{CsvOptions, Format};
use crate::error::Error;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, OnceLock};

/// How many bytes a block has, unless a line is longer. Larger ones fall out of the processor's cache.
const BLOCK_LEN: usize = 512 * 1024;

/// Of a line that is too long, at most about this much is skipped: a device may have no end of line at all.
const SKIPPED_LEN_MAX: usize = 256 << 20;

/// How much of a line that is too long is kept for the message.
const HEAD_LEN: usize = 200;

/// A buffer that travels from the reader to a parser, to the sink, and back. There is a fixed number of them, which
/// bounds the memory of the whole pipeline.
#[derive(Debug)]
pub(super) struct Slot {
    /// The bytes of the block, and room.
    pub(super) raw: Vec<u8>,
    /// Which bytes of `raw` are the block.
    pub(super) range: Range<usize>,
    /// How many lines stand before the block and belong to no block.
    pub(super) lines_skipped: u64,
    /// What the parser made of it.
    pub(super) parsed: Parsed,
}

impl Slot {
    pub(super) fn new(tolerant: bool) -> Self {
        Self { raw: Vec::new(), range: 0..0, lines_skipped: 0, parsed: Parsed::new(tolerant) }
    }
}

/// A piece of the input. Pieces go to the parsers in turn, and come out in the same turn.
#[derive(Debug)]
pub(super) enum Piece {
    /// A block.
    Block(Box<Slot>),
    /// A line that is too long.
    TooLong {
        /// Its first bytes.
        head: Vec<u8>,
        /// Whether nothing can be read behind it.
        is_last: bool,
    },
    /// The input broke off.
    Failed(Error),
    /// The input is read to its end.
    End,
}

/// Reads the input.
pub(super) struct Reader {
    pub(super) input: Box<dyn Read + Send>,
    pub(super) origin: PathBuf,
    pub(super) format: Format,
    pub(super) csv: CsvOptions,
    /// Whether complete lines are handed on as soon as they are there.
    pub(super) streaming: bool,
    /// How many bytes have been read.
    pub(super) bytes: Arc<AtomicU64>,
    /// The meaning of the columns of CSV, which is known after the first row.
    pub(super) plan: Arc<OnceLock<Plan>>,
    /// Buffers to fill.
    pub(super) slots: Receiver<Box<Slot>>,
    /// The parsers, in turn.
    pub(super) parsers: Vec<Sender<Piece>>,
}

/// The bytes at hand: those not yet sent, and what is known about them.
struct Tail {
    /// Bytes read and not sent.
    bytes: Vec<u8>,
    /// How many of them the cutter has seen.
    seen: usize,
}

/// Why the reader stops early.
enum Stop {
    /// The other side of the pipeline has gone.
    Gone,
    /// The input is unreadable or wrong.
    Failed(Error),
}

impl Reader {
    /// Reads to the end, or until nobody listens any more.
    pub(super) fn run(mut self) {
        let mut turn = 0;
        let last = match self.blocks(&mut turn) {
            Ok(()) => Piece::End,
            Err(Stop::Failed(error)) => Piece::Failed(error),
            Err(Stop::Gone) => return,
        };
        let _ = self.send(&mut turn, last);
    }

    fn send(&self, turn: &mut usize, piece: Piece) -> Result<(), Stop> {
        let parser = &self.parsers[*turn % self.parsers.len()];
        *turn += 1;
        parser.send(piece).map_err(|_| Stop::Gone)
    }

    fn blocks(&mut self, turn: &mut usize) -> Result<(), Stop> {
        let (mut bytes, mut at_end) = self.mark_skipped()?;
        let mut cutter = Cutter::lines();
        let mut lines_skipped = 0;
        if at_end && bytes.is_empty() {
            return Ok(());
        }
        if self.format == Format::Csv {
            let header = self.header(&mut bytes, &mut at_end)?;
            cutter = Cutter::rows(header.delimiter);
            lines_skipped = header.lines;
            bytes.drain(..header.len);
        }
        let mut tail = Tail { bytes, seen: 0 };
        let mut spare = None;
        loop {
            let mut slot: Box<Slot> = match spare.take() {
                Some(slot) => slot,
                None => self.slots.recv().map_err(|_| Stop::Gone)?,
            };
            slot.lines_skipped = std::mem::take(&mut lines_skipped);
            let cut = self.fill(&mut slot, &mut tail, &mut cutter, &mut at_end)?;
            if let Some(end) = cut {
                slot.range = 0..end;
                self.send(turn, Piece::Block(slot))?;
                if at_end && tail.bytes.is_empty() {
                    return Ok(());
                }
                continue;
            }
            let head = slot.raw[..HEAD_LEN].to_vec();
            // Where a quoted cell never ends, no later row can be told from the inside of that cell.
            let is_last = self.format == Format::Csv;
            self.send(turn, Piece::TooLong { head, is_last })?;
            if is_last {
                return Err(Stop::Gone);
            }
            self.skip_line(&mut tail, &mut at_end)?;
            lines_skipped = slot.lines_skipped;
            spare = Some(slot);
        }
    }

    /// Fills `slot` from `tail` and the input. The block's end, with what follows it left in `tail`; `None` if the block's
    /// first line is too long.
    fn fill(
        &mut self,
        slot: &mut Slot,
        tail: &mut Tail,
        cutter: &mut Cutter,
        at_end: &mut bool,
    ) -> Result<Option<usize>, Stop> {
        let raw = &mut slot.raw;
        let mut filled = tail.bytes.len();
        if raw.len() < filled + BLOCK_LEN / 8 {
            raw.resize((filled + BLOCK_LEN / 8).max(BLOCK_LEN), 0);
        }
        raw[..filled].copy_from_slice(&tail.bytes);
        let mut cut = cutter.feed(&raw[tail.seen..filled]).map(|end| tail.seen + end);
        tail.bytes.clear();
        tail.seen = 0;
        loop {
            if *at_end {
                return Ok(Some(filled));
            }
            if let Some(end) = cut
                && (self.streaming || filled >= BLOCK_LEN)
            {
                tail.bytes.extend_from_slice(&raw[end..filled]);
                tail.seen = tail.bytes.len();
                return Ok(Some(end));
            }
            if cut.is_none() && filled > LINE_LEN_MAX {
                return Ok(None);
            }
            if filled == raw.len() {
                raw.resize(filled + BLOCK_LEN, 0);
            }
            let count = self.read(&mut raw[filled..])?;
            *at_end = count == 0;
            if let Some(end) = cutter.feed(&raw[filled..filled + count]) {
                cut = Some(filled + end);
            }
            filled += count;
        }
    }

    /// Drops the input up to the end of the line at hand; what follows goes to `tail`.
    fn skip_line(&mut self, tail: &mut Tail, at_end: &mut bool) -> Result<(), Stop> {
        let mut buffer = vec![0; 64 * 1024];
        let mut skipped = 0;
        while !*at_end {
            if skipped > SKIPPED_LEN_MAX {
                let message =
                    format!("`{}` has a line of more than {} MiB", self.origin.display(), SKIPPED_LEN_MAX >> 20);
                return Err(Stop::Failed(Error::limit(message, "is it a text file? No line this long is left out")));
            }
            let count = self.read(&mut buffer)?;
            skipped += count;
            *at_end = count == 0;
            if let Some(end) = memchr::memchr(b'\n', &buffer[..count]) {
                tail.bytes.extend_from_slice(&buffer[end + 1..count]);
                break;
            }
        }
        Ok(())
    }

    /// The first bytes of the input without a byte order mark, and whether the input ends behind them.
    fn mark_skipped(&mut self) -> Result<(Vec<u8>, bool), Stop> {
        let mut bytes = Vec::new();
        while bytes.len() < 3 {
            if self.read_more(&mut bytes)? == 0 {
                break;
            }
            if !b"\xEF\xBB\xBF".starts_with(&bytes[..bytes.len().min(3)]) {
                return Ok((bytes, false));
            }
        }
        let ended = bytes.len() < 3;
        if bytes.starts_with(b"\xEF\xBB\xBF") {
            bytes.drain(..3);
        }
        Ok((bytes, ended))
    }

    /// Reads until the header of CSV and its first row are there, and what the header says.
    fn header(&mut self, bytes: &mut Vec<u8>, at_end: &mut bool) -> Result<Header, Stop> {
        let fail = |reader: &Self, line: u64, fault: Fault, text: &[u8]| {
            let diagnostic = fault.diagnostic(text).at(&reader.origin, line as usize);
            Stop::Failed(Error::Input(Box::new(diagnostic)))
        };
        let (mut tried, mut tries) = (0, 0);
        loop {
            let has_more = memchr::memchr(b'\n', &bytes[tried..]).is_some();
            let due = *at_end || bytes.len() >= BLOCK_LEN || (self.streaming && has_more);
            // Many tries at a text that grows by a few bytes each would take quadratic time.
            if due && (*at_end || tries < 64 || bytes.len() >= 2 * tried) {
                (tried, tries) = (bytes.len(), tries + 1);
                match Plan::of(bytes, *at_end, &self.csv) {
                    Ok(Some((header, plan))) => {
                        let _ = self.plan.set(plan);
                        return Ok(header);
                    }
                    Ok(None) if bytes.len() > 2 * LINE_LEN_MAX => {
                        return Err(fail(self, 1, too_long(), &bytes[..HEAD_LEN]));
                    }
                    Ok(None) => {}
                    Err((line, fault, text)) => return Err(fail(self, line, fault, &text)),
                }
            }
            *at_end = self.read_more(bytes)? == 0;
        }
    }

    /// Reads some bytes to the end of `bytes`; 0 at the end of the input.
    fn read_more(&mut self, bytes: &mut Vec<u8>) -> Result<usize, Stop> {
        let len = bytes.len();
        bytes.resize(len + 64 * 1024, 0);
        let count = self.read(&mut bytes[len..])?;
        bytes.truncate(len + count);
        Ok(count)
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Stop> {
        loop {
            match self.input.read(buffer) {
                Ok(count) => {
                    self.bytes.fetch_add(count as u64, Ordering::Relaxed);
                    return Ok(count);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(Stop::Failed(Error::io("read", &self.origin, e))),
            }
        }
    }
}
