//! Blocks of up to 128 unsigned numbers packed into a fixed number of bits each, with patches for the few that need more.
//!
//! A full block of width `w` is `2 w` little-endian words of 64 bits in two lanes: number `2 j + lane` is the `j`-th
//! `w`-bit field of the words `lane, lane + 2, lane + 4, ...`, fields filling words from the lowest bit up. Two lanes let the
//! compiler use vector registers that every 64-bit machine has. A shorter block is one run of fields, filled up to a byte.
//!
//! A block on disk: width (1 byte), number of patches (1 byte), packed fields, then for each patch its index (1 byte) and the
//! bits above the width (LEB128).

use super::{Malformed, Reader, put_varint, varint_len};

/// Numbers in a full block.
pub(super) const BLOCK_COUNT: usize = 128;

const LANES: usize = 2;

/// Bytes of the packed fields of `count` numbers of `width` bits.
fn packed_len(count: usize, width: u32) -> usize {
    if count == BLOCK_COUNT { 16 * width as usize } else { (count * width as usize).div_ceil(8) }
}

/// The width that makes the block smallest, and that size in bytes, from how many numbers have each bit length.
pub(super) fn best_width(lens: &[u32; 65], count: usize) -> (u32, usize) {
    let longest = (0..=64u32).rev().find(|&b| lens[b as usize] > 0).unwrap_or(0);
    let mut best = (longest, 2 + packed_len(count, longest));
    let mut patches = 0;
    for width in (0..longest).rev() {
        patches += lens[width as usize + 1];
        // A patch costs more than it saves once a tenth of the block needs one, and slows decoding down.
        if patches as usize * 10 > BLOCK_COUNT {
            break;
        }
        let patched: usize =
            (width + 1..=longest).map(|b| lens[b as usize] as usize * (1 + varint_len(b - width))).sum();
        let len = 2 + packed_len(count, width) + patched;
        if len < best.1 {
            best = (width, len);
        }
    }
    best
}

/// How many numbers of the block have each bit length.
pub(super) fn bit_lens(block: &[u64]) -> [u32; 65] {
    let mut lens = [0; 65];
    for value in block {
        lens[64 - value.leading_zeros() as usize] += 1;
    }
    lens
}

fn mask(width: u32) -> u64 {
    if width == 64 { u64::MAX } else { (1 << width) - 1 }
}

/// Appends a block of 1 to 128 numbers.
pub(super) fn encode(block: &[u64], out: &mut Vec<u8>) {
    debug_assert!((1..=BLOCK_COUNT).contains(&block.len()), "a block holds 1 to 128 numbers");
    let (width, _) = best_width(&bit_lens(block), block.len());
    let mask = mask(width);
    let patches = block.iter().filter(|v| **v > mask).count();
    out.push(width as u8);
    out.push(patches as u8);
    if block.len() == BLOCK_COUNT {
        pack_lanes(block, width, out);
    } else {
        pack_run(block, width, out);
    }
    if patches > 0 {
        for (i, value) in block.iter().enumerate().filter(|(_, v)| **v > mask) {
            out.push(i as u8);
            put_varint(out, value >> width);
        }
    }
}

fn pack_lanes(block: &[u64], width: u32, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let mask = mask(width);
    let mut words = [0u64; 2 * 64];
    for (i, value) in block.iter().enumerate() {
        let (lane, bit) = (i % LANES, (i / LANES) * width as usize);
        let (word, shift) = (bit / 64, bit % 64);
        words[word * LANES + lane] |= (value & mask) << shift;
        if shift + width as usize > 64 {
            words[(word + 1) * LANES + lane] |= (value & mask) >> (64 - shift);
        }
    }
    for word in &words[..LANES * width as usize] {
        out.extend_from_slice(&word.to_le_bytes());
    }
}

fn pack_run(block: &[u64], width: u32, out: &mut Vec<u8>) {
    let mask = mask(width);
    let (mut pending, mut bits) = (0u128, 0);
    for value in block {
        pending |= u128::from(value & mask) << bits;
        bits += width;
        while bits >= 8 {
            out.push(pending as u8);
            pending >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        out.push(pending as u8);
    }
}

/// Reads a block of `count` numbers into the front of `out`.
pub(super) fn decode(reader: &mut Reader<'_>, count: usize, out: &mut [u64; BLOCK_COUNT]) -> Result<(), Malformed> {
    let width = u32::from(reader.u8()?);
    if width > 64 {
        return Err(Malformed("fields of more than 64 bits"));
    }
    let patches = reader.u8()?;
    let packed = reader.bytes(packed_len(count, width))?;
    if count == BLOCK_COUNT {
        unpack_lanes(packed, width, out);
    } else {
        unpack_run(packed, width, &mut out[..count]);
    }
    for _ in 0..patches {
        let index = usize::from(reader.u8()?);
        let high = reader.varint()?;
        if index >= count || width == 64 || (width > 0 && high >> (64 - width) != 0) {
            return Err(Malformed("a patch outside its block"));
        }
        out[index] |= high << width;
    }
    Ok(())
}

fn unpack_run(packed: &[u8], width: u32, out: &mut [u64]) {
    let mask = mask(width);
    let (mut pending, mut bits) = (0u128, 0);
    let mut bytes = packed.iter();
    for value in out {
        while bits < width {
            pending |= u128::from(bytes.next().copied().unwrap_or(0)) << bits;
            bits += 8;
        }
        *value = pending as u64 & mask;
        pending >>= width;
        bits -= width;
    }
}

/// Unpacks with the width known to the compiler, so that every shift is a constant.
#[inline]
fn unpack_width<const WIDTH: usize>(packed: &[u8], out: &mut [u64; BLOCK_COUNT]) {
    let mut words = [[0u64; LANES]; WIDTH];
    for (word, bytes) in words.iter_mut().zip(packed.chunks_exact(8 * LANES)) {
        for (lane, bytes) in word.iter_mut().zip(bytes.chunks_exact(8)) {
            *lane =
                u64::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]]);
        }
    }
    let mask = if WIDTH == 64 { u64::MAX } else { (1 << WIDTH) - 1 };
    for j in 0..BLOCK_COUNT / LANES {
        let (word, shift) = (j * WIDTH / 64, j * WIDTH % 64);
        for lane in 0..LANES {
            let mut value = words[word][lane] >> shift;
            if shift + WIDTH > 64 {
                value |= words[word + 1][lane] << (64 - shift);
            }
            out[j * LANES + lane] = value & mask;
        }
    }
}

macro_rules! unpack_by_width {
    ($width:expr, $packed:expr, $out:expr, $($n:literal)*) => {
        match $width {
            $($n => unpack_width::<$n>($packed, $out),)*
            _ => $out.fill(0),
        }
    };
}

fn unpack_lanes(packed: &[u8], width: u32, out: &mut [u64; BLOCK_COUNT]) {
    unpack_by_width!(width, packed, out,
        1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
        33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(block: &[u64]) {
        let mut bytes = Vec::new();
        encode(block, &mut bytes);
        assert_eq!(bytes.len(), best_width(&bit_lens(block), block.len()).1, "the estimate is exact");
        let mut out = [0; BLOCK_COUNT];
        let mut reader = Reader(&bytes);
        decode(&mut reader, block.len(), &mut out).unwrap();
        assert!(reader.0.is_empty());
        assert_eq!(&out[..block.len()], block);
    }

    #[test]
    fn every_width_and_length_comes_back() {
        for width in 0..=64 {
            for count in [1, 2, 63, 127, 128] {
                let block: Vec<u64> =
                    (0..count as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) & mask(width)).collect();
                round_trip(&block);
            }
        }
    }

    #[test]
    fn a_few_large_numbers_are_patched() {
        let mut block = vec![5u64; 128];
        block[7] = u64::MAX;
        block[100] = 1 << 40;
        let mut bytes = Vec::new();
        encode(&block, &mut bytes);
        assert!(bytes.len() < 80, "{} bytes", bytes.len());
        round_trip(&block);
    }

    proptest! {
        #[test]
        fn any_block_comes_back(block in prop::collection::vec(any::<u64>().prop_flat_map(|v| (0u32..64).prop_map(move |s| v >> s)), 1..=128)) {
            round_trip(&block);
        }

        #[test]
        fn any_bytes_decode_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..300), count in 1usize..=128) {
            let mut out = [0; BLOCK_COUNT];
            let _ = decode(&mut Reader(&bytes), count, &mut out);
        }
    }
}
