//! Extents: the columns of the chunks that one commit wrote for one metric and day, end to end, cut into pieces.
//!
//! A piece is a value of the database just below one of its page sizes, so that hardly a byte of a page is lost whatever the size of
//! the columns. All values stand before all times: a query that needs no times does not read them.

use super::schema::PieceKey;
use crate::error::{Error, Result};
use redb::{ReadableTable, Table};

// A page of the database is 4 KiB × 2^k and holds, beside the piece, its key (20 bytes) and some bytes of its own.
const PAGE_LEN: usize = 32 * 1024;
const PIECE_LEN: usize = PAGE_LEN - 64;

type Extents<'t> = Table<'t, &'static [u8; PieceKey::LEN], &'static [u8]>;

/// Writes an extent.
pub(super) fn write(table: &mut Extents<'_>, metric: u32, day: i32, extent: u64, bytes: &[u8]) -> Result<()> {
    for (piece, part) in bytes.chunks(PIECE_LEN).enumerate() {
        let key = PieceKey { metric, day, extent, piece: piece as u32 };
        table.insert(&key.to_bytes(), part)?;
    }
    Ok(())
}

/// Removes an extent.
pub(super) fn remove(table: &mut Extents<'_>, metric: u32, day: i32, extent: u64) -> Result<()> {
    for piece in 0.. {
        if table.remove(&PieceKey { metric, day, extent, piece }.to_bytes())?.is_none() {
            break;
        }
    }
    Ok(())
}

/// Hands `len` bytes at `offset` of an extent to `read`, as one slice: borrowed where they lie in one piece.
pub(super) fn read<R>(
    table: &impl ReadableTable<&'static [u8; PieceKey::LEN], &'static [u8]>,
    (metric, day, extent): (u32, i32, u64),
    (offset, len): (u32, u32),
    read: impl FnOnce(&[u8]) -> R,
) -> Result<R> {
    let (offset, len) = (offset as usize, len as usize);
    let missing = || Error::corrupt(format!("an extent of metric {metric}, day {day}: a piece is missing"));
    let first = offset / PIECE_LEN;
    let start = offset % PIECE_LEN;
    let piece = |piece: usize| {
        let key = PieceKey { metric, day, extent, piece: u32::try_from(piece).map_err(|_| missing())? };
        table.get(&key.to_bytes())?.ok_or_else(missing)
    };
    if start + len <= PIECE_LEN {
        let guard = piece(first)?;
        return Ok(read(guard.value().get(start..start + len).ok_or_else(missing)?));
    }
    let mut whole = Vec::with_capacity(len);
    let mut at = start;
    for index in first.. {
        let guard = piece(index)?;
        let part = guard.value().get(at..).ok_or_else(missing)?;
        let want = len - whole.len();
        whole.extend_from_slice(&part[..want.min(part.len())]);
        if whole.len() == len {
            break;
        }
        if part.len() + at < PIECE_LEN {
            return Err(missing());
        }
        at = 0;
    }
    Ok(read(&whole))
}
