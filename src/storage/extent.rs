//! Extents: the columns of the chunks that one commit wrote for one metric and day, end to end, cut into pieces.
//!
//! A piece is a value of the database just below one of its page sizes, so that hardly a byte of a page is lost whatever the size of
//! the columns. All values stand before all times: a query that needs no times does not read them.

use super::schema::PieceKey;
use crate::error::{Error, Result};
use redb::{ReadableTable, Table};

/// The pages that pieces are made for: 4 KiB × 2^k. Larger ones would be copied more often than they save.
const PAGE_LENS: [usize; 4] = [32 << 10, 16 << 10, 8 << 10, 4 << 10];

/// What a page holds beside one piece: its key and some bytes of the database's own.
const PAGE_OVERHEAD: usize = 64;

type Extents<'t> = Table<'t, &'static [u8; PieceKey::LEN], &'static [u8]>;

/// The length of the next piece of `left` bytes: the largest page that it fills, or all of a small rest.
fn piece_len(left: usize) -> usize {
    let fits = PAGE_LENS.iter().map(|page| page - PAGE_OVERHEAD).find(|len| *len <= left);
    fits.unwrap_or(left)
}

/// Writes an extent.
pub(super) fn write(table: &mut Extents<'_>, metric: u32, day: i32, extent: u64, bytes: &[u8]) -> Result<()> {
    let mut at = 0;
    while at < bytes.len() {
        let end = at + piece_len(bytes.len() - at);
        let key = PieceKey { metric, day, extent, offset: at as u32 };
        table.insert(&key.to_bytes(), &bytes[at..end])?;
        at = end;
    }
    Ok(())
}

/// Removes an extent.
pub(super) fn remove(table: &mut Extents<'_>, metric: u32, day: i32, extent: u64) -> Result<()> {
    let (first, last) = bounds(metric, day, extent, u32::MAX);
    table.retain_in::<&[u8; PieceKey::LEN], _>(&first..=&last, |_, _| false)?;
    Ok(())
}

fn bounds(metric: u32, day: i32, extent: u64, last: u32) -> ([u8; PieceKey::LEN], [u8; PieceKey::LEN]) {
    let key = |offset| PieceKey { metric, day, extent, offset }.to_bytes();
    (key(0), key(last))
}

/// Hands `len` bytes at `offset` of an extent to `read`, as one slice: borrowed where they lie in one piece.
pub(super) fn read<R>(
    table: &impl ReadableTable<&'static [u8; PieceKey::LEN], &'static [u8]>,
    (metric, day, extent): (u32, i32, u64),
    (offset, len): (u32, u32),
    read: impl FnOnce(&[u8]) -> R,
) -> Result<R> {
    let missing = || Error::corrupt(format!("an extent of metric {metric}, day {day}: a piece is missing"));
    let end = offset.checked_add(len).ok_or_else(missing)?;
    let mut whole = Vec::new();
    let mut at = offset;
    while at < end || len == 0 {
        // The piece that holds `at` is the last one that begins at or before it.
        let (first, last) = bounds(metric, day, extent, at);
        let mut range = table.range::<&[u8; PieceKey::LEN]>(&first..=&last)?;
        let (key, piece) = range.next_back().ok_or_else(missing)??;
        let start = PieceKey::offset_of(key.value());
        let part = piece
            .value()
            .get((at - start) as usize..)
            .filter(|part| !part.is_empty() || len == 0)
            .ok_or_else(missing)?;
        if at == offset && part.len() >= len as usize {
            return Ok(read(&part[..len as usize]));
        }
        let part = &part[..part.len().min((end - at) as usize)];
        whole.reserve(len as usize - whole.len());
        whole.extend_from_slice(part);
        at += part.len() as u32;
    }
    Ok(read(&whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_wastes_less_than_a_page() {
        for total in [1usize, 4000, 5000, 32_000, 33_000, 50_000, 100_000] {
            let (mut left, mut pages) = (total, 0);
            while left > 0 {
                let len = piece_len(left);
                pages += PAGE_LENS.into_iter().rev().find(|page| page - PAGE_OVERHEAD >= len).unwrap();
                left -= len;
            }
            assert!(pages < total + total / 50 + 4096, "{total} bytes take {pages}");
        }
    }
}
