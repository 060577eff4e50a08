//! Bytes made smaller and back, for parcels and journals: literals and references to what came before (LZ77).
//!
//! A packed text is a sequence of two kinds of token: `n` below 128 and then `n + 1` bytes as they are; or `n` from 128
//! on, then a distance (u16, little-endian): copy `n - 128 + LEN_MIN` bytes from that far back.

/// References shorter than this would not pay.
const LEN_MIN: usize = 4;
const LEN_MAX: usize = 127 + LEN_MIN;
const RUN_MAX: usize = 128;
/// Log2 of the size of the table of recent places.
const TABLE_BITS: u32 = 12;

/// `bytes` packed.
pub(super) fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 2 + 16);
    let mut recent = vec![i64::MAX; 1 << TABLE_BITS];
    let (mut at, mut literal) = (0, 0);
    while at + LEN_MIN <= bytes.len() {
        let slot = &mut recent[slot_of(&bytes[at..at + LEN_MIN])];
        let earlier = std::mem::replace(slot, at as i64);
        // A place never seen gives a negative distance.
        let distance = u16::try_from(at as i64 - earlier).unwrap_or(0);
        let len = common_len(bytes, at, distance);
        if len < LEN_MIN {
            at += 1;
            continue;
        }
        push_literals(&mut out, &bytes[literal..at]);
        out.push((128 + len - LEN_MIN) as u8);
        out.extend_from_slice(&distance.to_le_bytes());
        at += len;
        literal = at;
    }
    push_literals(&mut out, &bytes[literal..]);
    out
}

/// How many bytes at `at` repeat those `distance` before, up to [`LEN_MAX`]; none where the distance is 0.
fn common_len(bytes: &[u8], at: usize, distance: u16) -> usize {
    if distance == 0 {
        return 0;
    }
    let past = &bytes[at - usize::from(distance)..];
    bytes[at..].iter().zip(past).take(LEN_MAX).take_while(|(a, b)| a == b).count()
}

fn slot_of(four: &[u8]) -> usize {
    let word = four.iter().fold(0_u32, |word, b| word << 8 | u32::from(*b));
    (word.wrapping_mul(0x9e37_79b1) >> (32 - TABLE_BITS)) as usize
}

fn push_literals(out: &mut Vec<u8>, bytes: &[u8]) {
    for run in bytes.chunks(RUN_MAX) {
        out.push((run.len() - 1) as u8);
        out.extend_from_slice(run);
    }
}

/// What [`pack`] was given; `None` where `packed` did not come from it, or holds more than `len_max` bytes.
pub(super) fn unpack(packed: &[u8], len_max: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = packed;
    while let Some((&token, after)) = rest.split_first() {
        let token = usize::from(token);
        if token < RUN_MAX {
            let (run, after) = after.split_at_checked(token + 1)?;
            out.extend_from_slice(run);
            rest = after;
        } else {
            let (distance, after) = after.split_first_chunk::<2>()?;
            let start = out.len().checked_sub(usize::from(u16::from_le_bytes(*distance)))?;
            for i in start..start + token - RUN_MAX + LEN_MIN {
                out.push(*out.get(i)?);
            }
            rest = after;
        }
        if out.len() > len_max {
            return None;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn repetition_is_packed_away() {
        let text = b"north pier, south pier, north pier, south pier, ".repeat(20);
        let packed = pack(&text);
        assert!(packed.len() * 10 < text.len(), "{} of {}", packed.len(), text.len());
        assert_eq!(unpack(&packed, text.len()), Some(text));
    }

    #[test]
    fn a_bomb_is_refused() {
        let packed = pack(&vec![0; 100_000]);
        assert_eq!(unpack(&packed, 99_999), None);
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(bytes in proptest::collection::vec(0_u8..4, 0..600)) {
            prop_assert_eq!(unpack(&pack(&bytes), 600), Some(bytes));
        }

        #[test]
        fn any_bytes_can_be_unpacked_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&bytes, 1 << 16);
        }
    }
}
