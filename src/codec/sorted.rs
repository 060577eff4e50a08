//! Sorted whole numbers: the first as it is, then the steps from one to the next, packed.
//!
//! What stays true: numbers are at most [`u32::MAX`] and ascend, equal ones being allowed; a list knows its own length.

use super::bitpack::{self, BLOCK_COUNT};
use super::ints::{self, IntColumn, Layout};
use super::{COLUMN_COUNT_MAX, Malformed, PAGE_COUNT, Reader, put_varint};

/// Appends `numbers`, which ascend.
///
/// ```
/// use perfdb::codec::sorted;
/// let mut bytes = Vec::new();
/// sorted::encode(&[1000, 1001, 1001, 1003], &mut bytes);
/// // How many, the first (LEB128), then a block of three steps 1, 0 and 2 with 2 bits each and no patch.
/// assert_eq!(bytes, [4, 0xe8, 0x07, 2, 0, 0b10_00_01]);
/// let mut back = Vec::new();
/// sorted::decode(&bytes, &mut back).unwrap();
/// assert_eq!(back, [1000, 1001, 1001, 1003]);
/// ```
///
/// # Panics
/// In debug builds where the numbers do not ascend or are too many.
pub fn encode(numbers: &[u32], out: &mut Vec<u8>) {
    debug_assert!(numbers.is_sorted() && numbers.len() <= COLUMN_COUNT_MAX, "an ascending list of bounded length");
    put_varint(out, numbers.len() as u64);
    let Some(first) = numbers.first() else { return };
    put_varint(out, u64::from(*first));
    let mut block = [0u64; BLOCK_COUNT];
    for (i, chunk) in numbers[1..].chunks(BLOCK_COUNT).enumerate() {
        let mut before = numbers[i * BLOCK_COUNT];
        for (step, number) in block.iter_mut().zip(chunk) {
            *step = u64::from(number - before);
            before = *number;
        }
        bitpack::encode(&block[..chunk.len()], out);
    }
}

/// Appends the list at the front of `bytes` to `out`.
///
/// # Errors
/// [`Malformed`] where no encoder has written the bytes.
pub fn decode(bytes: &[u8], out: &mut Vec<u32>) -> Result<(), Malformed> {
    read(&mut Reader(bytes), out)
}

/// Reads the list at the front of `reader`.
pub(crate) fn read(reader: &mut Reader<'_>, out: &mut Vec<u32>) -> Result<(), Malformed> {
    let count = usize::try_from(reader.varint()?).ok().filter(|n| *n <= COLUMN_COUNT_MAX);
    let count = count.ok_or(Malformed("a list that is too long"))?;
    if count == 0 {
        return Ok(());
    }
    let too_large = Malformed("a number of more than 32 bits");
    let mut before = reader.varint()?;
    u32::try_from(before).map_err(|_| too_large)?;
    out.push(before as u32);
    let mut block = [0u64; BLOCK_COUNT];
    let mut left = count - 1;
    while left > 0 {
        let n = left.min(BLOCK_COUNT);
        bitpack::decode(reader, n, &mut block)?;
        // Steps are checked together: their sum tells whether any number is too large.
        let mut largest = 0u64;
        out.extend(block[..n].iter().map(|step| {
            largest |= *step;
            before = before.wrapping_add(*step);
            before as u32
        }));
        if largest > u64::from(u32::MAX) || before > u64::from(u32::MAX) {
            return Err(too_large);
        }
        left -= n;
    }
    Ok(())
}

/// Appends whole numbers in any order, packed in blocks.
pub(crate) fn encode_counts(numbers: &[u64], out: &mut Vec<u8>) {
    for block in numbers.chunks(BLOCK_COUNT) {
        bitpack::encode(block, out);
    }
}

/// Reads `count` numbers of [`encode_counts`].
pub(crate) fn read_counts(reader: &mut Reader<'_>, count: usize, out: &mut Vec<u64>) -> Result<(), Malformed> {
    let mut block = [0u64; BLOCK_COUNT];
    let mut left = count;
    while left > 0 {
        let n = left.min(BLOCK_COUNT);
        bitpack::decode(reader, n, &mut block)?;
        out.extend_from_slice(&block[..n]);
        left -= n;
    }
    Ok(())
}

/// Shorter columns of steps are packed: what entropy coding writes beside the numbers takes more than it saves.
const ENTROPY_COUNT_MIN: usize = 256;

/// Appends small whole numbers in any order as a column that is as short as it gets: layout, length, body.
pub(crate) fn encode_steps(steps: &[i64], out: &mut Vec<u8>) {
    let mut body = Vec::new();
    let entropy = steps.len() >= ENTROPY_COUNT_MIN;
    let coded = entropy && ints::encode(steps, Layout::PcoPlain, &mut body).is_ok();
    if !coded {
        body.clear();
        // Never fails, since pco is not asked.
        let _ = ints::encode(steps, Layout::Plain, &mut body);
    }
    out.push(u8::from(coded));
    put_varint(out, body.len() as u64);
    out.extend_from_slice(&body);
}

/// Reads `count` numbers of [`encode_steps`].
pub(crate) fn read_steps(reader: &mut Reader<'_>, count: usize, out: &mut Vec<i64>) -> Result<(), Malformed> {
    let layout = match reader.u8()? {
        0 => Layout::Plain,
        1 => Layout::PcoPlain,
        _ => return Err(Malformed("an unknown layout")),
    };
    if count > COLUMN_COUNT_MAX {
        return Err(Malformed("a column that is too long"));
    }
    let len = usize::try_from(reader.varint()?).map_err(|_| Malformed("no length"))?;
    let column = IntColumn::read(layout, count, &mut Reader(reader.bytes(len)?))?;
    let mut page = Vec::new();
    for i in 0..count.div_ceil(PAGE_COUNT) {
        column.decode_page(i, &mut page)?;
        out.extend_from_slice(&page);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lists_come_back(mut numbers in prop::collection::vec(any::<u32>(), 0..700)) {
            numbers.sort_unstable();
            let mut bytes = Vec::new();
            encode(&numbers, &mut bytes);
            let mut back = Vec::new();
            decode(&bytes, &mut back).unwrap();
            prop_assert_eq!(back, numbers);
        }

        #[test]
        fn steps_come_back(steps in prop::collection::vec(0i64..40, 1..9000)) {
            let mut bytes = Vec::new();
            encode_steps(&steps, &mut bytes);
            let mut back = Vec::new();
            let mut reader = Reader(&bytes);
            read_steps(&mut reader, steps.len(), &mut back).unwrap();
            prop_assert_eq!(back, steps);
            prop_assert!(reader.0.is_empty());
        }

        #[test]
        fn any_bytes_decode_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..300), count in 0usize..9000) {
            let _ = decode(&bytes, &mut Vec::new());
            let _ = read_steps(&mut Reader(&bytes), count, &mut Vec::new());
        }
    }
}
