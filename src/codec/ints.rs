//! A column of whole numbers in pages, in one of four layouts.
//!
//! The number of pages follows from the count of numbers, which the caller keeps. Layouts:
//! - plain (frame of reference): base, then the numbers minus base in blocks;
//! - delta: base, then for each page its first number and the differences minus base in blocks;
//! - entropy coded by pco, with or without differences.
//!
//! Both block layouts and pco store a table of page lengths first, so that a page can be found without reading those before it.

use super::bitpack::{self, BLOCK_COUNT};
use super::{Malformed, PAGE_COUNT, Reader, put_varint, unzigzag, zigzag};
use pco::data_types::Number;
use pco::wrapped::{FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DeltaSpec, ModeSpec, PagingSpec};

/// How a column of whole numbers is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Plain,
    Delta,
    PcoPlain,
    PcoDelta,
}

/// The layout to take for `numbers`, where an entropy coder must save at least `saving` of the size to be worth its time.
pub(super) fn choose(numbers: &[i64], saving: f64) -> Layout {
    let plain = Estimate::of(numbers.iter().copied());
    let delta = Estimate::of(numbers.windows(2).map(|w| w[1].wrapping_sub(w[0])));
    // Beside the blocks: the base, and for differences the first number of each page.
    let plain_packed = plain.packed + 8.0;
    let delta_packed = delta.packed + 1.0 + 8.0 * numbers.len().div_ceil(PAGE_COUNT) as f64;
    let (packed, layout) =
        if plain_packed <= delta_packed { (plain_packed, Layout::Plain) } else { (delta_packed, Layout::Delta) };
    let (entropy, pco) = if plain.entropy <= delta.entropy {
        (plain.entropy, Layout::PcoPlain)
    } else {
        (delta.entropy, Layout::PcoDelta)
    };
    if entropy <= packed * (1.0 - saving) { pco } else { layout }
}

/// As [`choose`], among the layouts that store differences.
pub(super) fn choose_delta(numbers: &[i64], saving: f64) -> Layout {
    let delta = Estimate::of(numbers.windows(2).map(|w| w[1].wrapping_sub(w[0])));
    if delta.entropy <= delta.packed * (1.0 - saving) { Layout::PcoDelta } else { Layout::Delta }
}

/// What a sequence would take, in bytes.
struct Estimate {
    /// In patched blocks.
    packed: f64,
    /// Under an entropy coder.
    entropy: f64,
}

/// Sequences whose numbers span less than this are estimated by how often each number occurs, others by bit length.
const SPAN_COUNTED: u64 = 512;

/// What pco writes beside the numbers: its header, bins and the states of a page.
const PCO_OVERHEAD: f64 = 60.0;

impl Estimate {
    fn of(numbers: impl ExactSizeIterator<Item = i64> + Clone) -> Self {
        let count = numbers.len();
        let low = numbers.clone().min().unwrap_or(0);
        let high = numbers.clone().max().unwrap_or(0);
        let span = high.wrapping_sub(low) as u64;
        let mut packed = 0;
        let mut lens_all = [0u32; 65];
        let mut lens = [0u32; 65];
        let mut in_block = 0;
        let mut often = [0u32; SPAN_COUNTED as usize];
        for number in numbers {
            let offset = number.wrapping_sub(low) as u64;
            let len = 64 - offset.leading_zeros() as usize;
            lens[len] += 1;
            in_block += 1;
            if span < SPAN_COUNTED {
                often[offset as usize] += 1;
            }
            if in_block == BLOCK_COUNT {
                packed += bitpack::best_width(&lens, in_block).1;
                lens_all.iter_mut().zip(&lens).for_each(|(a, b)| *a += b);
                (lens, in_block) = ([0; 65], 0);
            }
        }
        if in_block > 0 {
            packed += bitpack::best_width(&lens, in_block).1;
            lens_all.iter_mut().zip(&lens).for_each(|(a, b)| *a += b);
        }
        let bits = if span < SPAN_COUNTED {
            surprise(&often, count, |_| 0.0)
        } else {
            // Within one bit length the numbers are taken as evenly spread: an upper bound of what finer bins reach.
            surprise(&lens_all, count, |len| len.saturating_sub(1) as f64)
        };
        Self { packed: packed as f64, entropy: bits / 8.0 + PCO_OVERHEAD }
    }
}

/// Bits that an ideal coder takes for symbols that occur `often`, each followed by `extra(symbol)` bits.
fn surprise(often: &[u32], count: usize, extra: impl Fn(usize) -> f64) -> f64 {
    let each = |(symbol, n): (usize, &u32)| {
        let n = f64::from(*n);
        n * ((count as f64 / n).log2() + extra(symbol))
    };
    often.iter().enumerate().filter(|(_, n)| **n > 0).map(each).sum()
}

/// Appends `numbers` in `layout`. Fails only where pco refuses.
pub(super) fn encode(numbers: &[i64], layout: Layout, out: &mut Vec<u8>) -> Result<(), Malformed> {
    match layout {
        Layout::Plain => encode_plain(numbers, out),
        Layout::Delta => encode_delta(numbers, out),
        Layout::PcoPlain => return encode_pco(numbers, ModeSpec::Classic, DeltaSpec::NoOp, out),
        Layout::PcoDelta => return encode_pco(numbers, ModeSpec::Classic, DeltaSpec::TryConsecutive(1), out),
    }
    Ok(())
}

/// Writes pages one after another, their lengths before them (none for the last: it ends with the column).
fn put_pages<'a, T: 'a>(
    numbers: &'a [T],
    out: &mut Vec<u8>,
    mut page: impl FnMut(usize, &'a [T], &mut Vec<u8>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut body = Vec::with_capacity(numbers.len() * 3);
    let page_count = numbers.len().div_ceil(PAGE_COUNT);
    for (i, part) in numbers.chunks(PAGE_COUNT).enumerate() {
        let start = body.len();
        page(i, part, &mut body)?;
        if i + 1 < page_count {
            out.extend_from_slice(&((body.len() - start) as u32).to_le_bytes());
        }
    }
    out.append(&mut body);
    Ok(())
}

fn put_blocks(offsets: impl Iterator<Item = u64>, body: &mut Vec<u8>) {
    let mut block = [0u64; BLOCK_COUNT];
    let mut count = 0;
    for offset in offsets {
        block[count] = offset;
        count += 1;
        if count == BLOCK_COUNT {
            bitpack::encode(&block, body);
            count = 0;
        }
    }
    if count > 0 {
        bitpack::encode(&block[..count], body);
    }
}

fn encode_plain(numbers: &[i64], out: &mut Vec<u8>) {
    let base = numbers.iter().copied().min().unwrap_or(0);
    out.extend_from_slice(&base.to_le_bytes());
    let infallible = put_pages(numbers, out, |_, page, body| {
        put_blocks(page.iter().map(|n| n.wrapping_sub(base) as u64), body);
        Ok(())
    });
    debug_assert!(infallible.is_ok());
}

fn encode_delta(numbers: &[i64], out: &mut Vec<u8>) {
    let steps = |page: &[i64]| page.windows(2).map(|w| w[1].wrapping_sub(w[0])).min();
    let base = numbers.chunks(PAGE_COUNT).filter_map(steps).min().unwrap_or(0);
    put_varint(out, zigzag(base));
    for page in numbers.chunks(PAGE_COUNT) {
        out.extend_from_slice(&page[0].to_le_bytes());
    }
    let infallible = put_pages(numbers, out, |_, page, body| {
        put_blocks(page.windows(2).map(|w| w[1].wrapping_sub(w[0]).wrapping_sub(base) as u64), body);
        Ok(())
    });
    debug_assert!(infallible.is_ok());
}

/// Level 6 takes 4 % less than level 4 on slow integer walks; beyond it nothing is gained.
const PCO_LEVEL: usize = 6;

/// Appends numbers coded by pco: the length of its header and bins, these, then pages.
pub(super) fn encode_pco<T: Number>(
    numbers: &[T],
    mode: ModeSpec,
    delta: DeltaSpec,
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    let refused = |_| Malformed("pco refused the numbers");
    let config = ChunkConfig::default()
        .with_compression_level(PCO_LEVEL)
        .with_mode_spec(mode)
        .with_delta_spec(delta)
        .with_paging_spec(PagingSpec::Exact(numbers.chunks(PAGE_COUNT).map(<[T]>::len).collect()));
    let file = FileCompressor::default();
    let mut head = Vec::new();
    file.write_header(&mut head).map_err(refused)?;
    let mut chunk = file.chunk_compressor(numbers, &config).map_err(refused)?;
    chunk.write_meta(&mut head).map_err(refused)?;
    put_varint(out, head.len() as u64);
    out.extend_from_slice(&head);
    put_pages(numbers, out, |i, _, body| chunk.write_page(i, body).map(|_| ()).map_err(refused))
}

/// The pages of a column after its table of lengths.
#[derive(Debug, Clone)]
pub(super) struct Pages<'a> {
    count: usize,
    bytes: &'a [u8],
    ends: Vec<usize>,
}

impl<'a> Pages<'a> {
    fn read(count: usize, reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let page_count = count.div_ceil(PAGE_COUNT);
        let mut ends = Vec::with_capacity(page_count);
        let mut end = 0usize;
        for _ in 1..page_count {
            end = end.checked_add(reader.u32()? as usize).ok_or(Malformed("a page too long"))?;
            ends.push(end);
        }
        let bytes = reader.bytes(reader.0.len())?;
        ends.push(bytes.len());
        if ends.windows(2).any(|w| w[0] > w[1]) {
            return Err(Malformed("a page beyond the column's end"));
        }
        Ok(Self { count, bytes, ends })
    }

    fn page(&self, page: usize) -> &'a [u8] {
        let start = if page == 0 { 0 } else { self.ends[page - 1] };
        &self.bytes[start..self.ends[page]]
    }

    fn page_len(&self, page: usize) -> usize {
        PAGE_COUNT.min(self.count - page * PAGE_COUNT)
    }
}

/// A column of whole numbers, ready to decode page by page.
#[derive(Debug, Clone)]
pub(super) enum IntColumn<'a> {
    Plain { base: i64, pages: Pages<'a> },
    Delta { base: i64, firsts: &'a [u8], pages: Pages<'a> },
    Pco(PcoColumn<'a>),
}

impl<'a> IntColumn<'a> {
    pub(super) fn read(layout: Layout, count: usize, reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(match layout {
            Layout::Plain => Self::Plain { base: reader.i64()?, pages: Pages::read(count, reader)? },
            Layout::Delta => {
                let base = unzigzag(reader.varint()?);
                let firsts = reader.bytes(8 * count.div_ceil(PAGE_COUNT))?;
                Self::Delta { base, firsts, pages: Pages::read(count, reader)? }
            }
            Layout::PcoPlain | Layout::PcoDelta => Self::Pco(PcoColumn::read(count, reader)?),
        })
    }

    /// Decodes page `page` into `out`, which is made as long as the page.
    pub(super) fn decode_page(&self, page: usize, out: &mut Vec<i64>) -> Result<(), Malformed> {
        match self {
            Self::Plain { base, pages } => {
                out.resize(pages.page_len(page), 0);
                let mut reader = Reader(pages.page(page));
                let mut block = [0u64; BLOCK_COUNT];
                for part in out.chunks_mut(BLOCK_COUNT) {
                    bitpack::decode(&mut reader, part.len(), &mut block)?;
                    for (number, offset) in part.iter_mut().zip(&block) {
                        *number = base.wrapping_add(*offset as i64);
                    }
                }
                Ok(())
            }
            Self::Delta { base, firsts, pages } => {
                out.resize(pages.page_len(page), 0);
                let mut number = first_of(firsts, page);
                let mut reader = Reader(pages.page(page));
                let mut block = [0u64; BLOCK_COUNT];
                out[0] = number;
                for part in out[1..].chunks_mut(BLOCK_COUNT) {
                    bitpack::decode(&mut reader, part.len(), &mut block)?;
                    for (to, step) in part.iter_mut().zip(&block) {
                        number = number.wrapping_add(*base).wrapping_add(*step as i64);
                        *to = number;
                    }
                }
                Ok(())
            }
            Self::Pco(column) => column.decode_page(page, out),
        }
    }
}

pub(super) fn first_of(firsts: &[u8], page: usize) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&firsts[page * 8..page * 8 + 8]);
    i64::from_le_bytes(bytes)
}

/// A column coded by pco.
#[derive(Debug, Clone)]
pub(super) struct PcoColumn<'a> {
    head: &'a [u8],
    pages: Pages<'a>,
}

impl<'a> PcoColumn<'a> {
    pub(super) fn read(count: usize, reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let head_len = reader.varint()?;
        let head = reader.bytes(usize::try_from(head_len).map_err(|_| Malformed("a header too long"))?)?;
        Ok(Self { head, pages: Pages::read(count, reader)? })
    }

    /// Decodes page `page` into `out`, which is made as long as the page.
    pub(super) fn decode_page<T: Number + Default>(&self, page: usize, out: &mut Vec<T>) -> Result<(), Malformed> {
        let wrong = |_| Malformed("pco cannot read it");
        let (file, rest) = FileDecompressor::new(self.head).map_err(wrong)?;
        let (mut chunk, _) = file.chunk_decompressor::<T, _>(rest).map_err(wrong)?;
        let count = self.pages.page_len(page);
        out.resize(count, T::default());
        let mut reader = chunk.page_decompressor(self.pages.page(page), count).map_err(wrong)?;
        let progress = reader.read(out).map_err(wrong)?;
        if progress.n_processed == count { Ok(()) } else { Err(Malformed("a page too short")) }
    }
}
