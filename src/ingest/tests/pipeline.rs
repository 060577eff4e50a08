//! Blocks, threads and limits.

use super::*;
use crate::error::Error;
use proptest::prelude::*;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Gives at most `size` bytes a read.
struct Dribble {
    bytes: Vec<u8>,
    at: usize,
    size: usize,
}

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.size.min(buffer.len()).min(self.bytes.len() - self.at);
        buffer[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn dribble(text: &[u8], size: usize) -> Dribble {
    Dribble { bytes: text.to_vec(), at: 0, size }
}

/// A pipe whose other end the test holds.
struct Pipe(Receiver<Vec<u8>>, Vec<u8>);

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.1.is_empty() {
            self.1 = self.0.recv().unwrap_or_default();
        }
        let count = self.1.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.1[..count]);
        self.1.drain(..count);
        Ok(count)
    }
}

/// Some MiB of lines, so that there are several blocks.
fn many_lines() -> String {
    let line = |i: i64| format!("m{},host=h{},zone=z value={}.5,other={i}i {i}\n", i % 3, i % 1_000, i * 7 % 1_001);
    (0..60_000).map(line).collect()
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads_or_the_pieces() {
    let text = many_lines();
    let of = |parsers, streaming, size| {
        let input = dribble(text.as_bytes(), size);
        run(input, Format::Influx, &options(), How { parsers, streaming }).unwrap()
    };
    let (one, summary) = of(1, false, usize::MAX);
    assert_eq!((summary.samples, summary.lines, summary.bytes), (120_000, 60_000, text.len() as u64));
    assert!(one.blocks > 3);
    for (parsers, streaming, size) in [(2, false, 1_000), (4, false, usize::MAX), (3, true, 70_001), (2, true, 999)] {
        let (other, other_summary) = of(parsers, streaming, size);
        assert!(one.samples == other.samples && summary == other_summary, "{parsers} {streaming} {size}");
    }
}

#[test]
fn the_first_wrong_line_of_the_file_is_the_one_that_is_told() {
    let mut text = many_lines();
    let at = text.match_indices('\n').nth(49_999).unwrap().0 + 1;
    text.insert_str(at, "first wrong\n");
    text.push_str("second wrong\n");
    for parsers in [1, 2, 4] {
        let how = How { parsers, streaming: false };
        let error = run(dribble(text.as_bytes(), usize::MAX), Format::Influx, &options(), how).err().unwrap();
        let Error::Input(diagnostic) = error else { panic!("{error}") };
        assert_eq!((diagnostic.line_first, diagnostic.text.as_str()), (50_001, "first wrong"));
    }
}

#[test]
fn wrong_lines_up_to_the_limit_are_left_out_and_listed() {
    let text = "a value=1 1\nx\nb value=2 2\nb value=2,y\nc value=3 3\n";
    let tolerant = |skip_bad| Options { skip_bad, ..options() };
    assert_eq!(read(text, Format::Influx, &tolerant(2)), ["a{} 1.0 @1", "b{} 2.0 @2", "c{} 3.0 @3"]);
    let summary = summary(text, Format::Influx, &tolerant(5));
    assert_eq!(summary.bad.iter().map(|d| d.line_first).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(summary.bad_count, 2);
    let message = fault(text, Format::Influx, &tolerant(1));
    assert_eq!(message, "4:11 a field without a value (and more than 1 lines are wrong)");
}

#[test]
fn only_a_hundred_tolerated_lines_are_kept() {
    let options = Options { skip_bad: 2_000_000, ..options() };
    let summary = summary(&"x\n".repeat(1_000_000), Format::Influx, &options);
    assert_eq!((summary.bad_count, summary.bad.len(), summary.lines), (1_000_000, 100, 1_000_000));
}

#[test]
fn lines_beyond_the_limit_are_wrong_lines_in_bounded_memory() {
    let long = "x".repeat(3 << 20);
    let text = format!("a value=1 1\n{long}\nb value=1 1\n");
    assert_eq!(fault(&text, Format::Influx, &options()), "2:1 a line of more than 1 MiB");
    assert_eq!(fault(&text[12..], Format::Jsonl, &options()), "1:1 a line of more than 1 MiB");
    let tolerant = Options { skip_bad: 1, ..options() };
    for size in [1_000, usize::MAX] {
        for streaming in [false, true] {
            let how = How { parsers: 2, streaming };
            let (keep, summary) = run(dribble(text.as_bytes(), size), Format::Influx, &tolerant, how).unwrap();
            assert_eq!((keep.samples.len(), summary.lines, summary.bad_count), (2, 3, 1));
        }
    }
    // Just beyond the limit, the line may end within the buffer.
    let text = format!("{}\nb value=1 1\n", &long[..=1 << 20]);
    assert_eq!(fault(&text, Format::Influx, &options()), "1:1 a line of more than 1 MiB");
    let csv = format!("ts,host,cpu\n1,a,2\n1,\"{}", "x\n".repeat(2 << 20));
    assert_eq!(fault(csv, Format::Csv, &options()), "3:1 a line of more than 1 MiB");
    let header = format!("ts,{long}\n1,2\n");
    assert_eq!(fault(header, Format::Csv, &options()), "1:1 a line of more than 1 MiB");
}

#[test]
fn a_line_just_within_the_limit_reads() {
    let comment = format!("#{}\n", "x".repeat((1 << 20) - 1));
    let text = format!("{comment}{comment}m value=1 1");
    assert_eq!(read(&text, Format::Influx, &options()), ["m{} 1.0 @1"]);
}

#[test]
fn an_empty_input_is_an_error() {
    for format in Format::ALL {
        let message = run(io::empty(), format, &options(), PLAIN).err().unwrap().to_string();
        assert!(message.starts_with("`file` is empty"), "{message}");
    }
}

#[test]
fn a_stream_hands_lines_on_at_once() {
    struct Tell(std::sync::mpsc::Sender<usize>, usize);
    impl Sink for Tell {
        fn accept(&mut self, mut columns: Columns, _: &SeriesSet) -> Result<Columns> {
            let _ = self.0.send(columns.count());
            columns.clear();
            Ok(columns)
        }
        fn idle(&mut self) -> Result<()> {
            self.1 += 1;
            Ok(())
        }
    }
    for (format, pieces) in [
        (Format::Influx, ["a value=1 1\nb val", "ue=2 2\n", "c value=3 3"]),
        (Format::Csv, ["ts,cpu\n1,2\n3,", "4\n", "5,6"]),
        (
            Format::Jsonl,
            ["{\"metric\":\"a\",\"value\":1}\n{\"metric\":\"", "b\",\"value\":1}\n", "{\"metric\":\"c\",\"value\":1}"],
        ),
    ] {
        let (input, pipe) = channel();
        let (told, tell) = channel();
        let reader = std::thread::spawn(move || {
            let mut sink = Tell(told, 0);
            let (bytes, path) = (AtomicU64::new(0), Path::new("pipe"));
            let pipe = Box::new(Pipe(pipe, Vec::new()));
            let summary =
                crate::ingest::read(pipe, path, format, &options(), true, &mut sink, &bytes, &Cancel::new()).unwrap();
            (summary.samples, summary.bytes == bytes.load(Ordering::Relaxed), sink.1)
        });
        for piece in &pieces[..2] {
            input.send(piece.as_bytes().to_vec()).unwrap();
            assert_eq!(tell.recv_timeout(Duration::from_secs(20)), Ok(1), "{format}");
        }
        std::thread::sleep(Duration::from_millis(450));
        input.send(pieces[2].as_bytes().to_vec()).unwrap();
        drop(input);
        let (samples, same_bytes, idles) = reader.join().unwrap();
        assert!(samples == 3 && same_bytes && idles >= 4, "{samples} {idles}");
    }
}

#[test]
fn cancelling_ends_a_read_of_a_silent_pipe() {
    let (_input, pipe) = channel::<Vec<u8>>();
    let cancel = Cancel::new();
    let canceller = cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        canceller.cancel();
    });
    let started = Instant::now();
    let error = crate::ingest::read(
        Box::new(Pipe(pipe, Vec::new())),
        Path::new("pipe"),
        Format::Influx,
        &options(),
        true,
        &mut Keep::default(),
        &AtomicU64::new(0),
        &cancel,
    );
    assert!(matches!(error, Err(Error::Interrupted)));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_broken_input_and_a_failing_sink_end_the_read() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    struct Full;
    impl Sink for Full {
        fn accept(&mut self, _: Columns, _: &SeriesSet) -> Result<Columns> {
            Err(Error::usage("full"))
        }
    }
    for format in Format::ALL {
        let error = run(Broken, format, &options(), PLAIN).err().unwrap();
        assert_eq!(error.to_string(), "cannot read `file`: the disk is gone");
    }
    let (text, options) = (many_lines(), options());
    let error = crate::ingest::read(
        Box::new(io::Cursor::new(text)),
        Path::new("file"),
        Format::Influx,
        &options,
        false,
        &mut Full,
        &AtomicU64::new(0),
        &Cancel::new(),
    );
    assert_eq!(error.unwrap_err().to_string(), "full");
}

/// Bytes that look enough like the formats to get deep into their parsers.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let pieces = proptest::sample::select(vec![
        "cpu",
        "m,a=b",
        " ",
        " value=",
        "1",
        "1.5",
        "i",
        ",",
        "=",
        "\\",
        "\"",
        "\n",
        "\r\n",
        "{",
        "}",
        ":",
        "\"metric\"",
        "\"value\"",
        "\"ts\"",
        "\"labels\"",
        "ts,metric,value\n",
        "time;x\n",
        "#",
        "1767225600",
        "NaN",
        "e9",
        "-",
        "\u{feff}",
        "2026-01-01T00:00:00Z",
        "\0",
        "ü",
        ";",
        "\t",
        "null",
        "[",
        "]",
    ]);
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        proptest::collection::vec(pieces, 0..60).prop_map(|p| p.concat().into_bytes()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_input_makes_a_reader_panic_or_hang_and_pieces_change_nothing(bytes in texts(), size in 1usize..20, skip_bad in 0u64..4) {
        for format in Format::ALL {
            let options = Options { skip_bad, strings: Strings::Skip, ..options() };
            let of = |parsers, streaming, size| {
                let (keep, summary) = run(dribble(&bytes, size), format, &options, How { parsers, streaming })
                    .map_err(|e| e.to_string())?;
                Ok::<_, String>((keep.samples, summary))
            };
            let whole = of(1, false, usize::MAX);
            prop_assert_eq!(&whole, &of(3, false, size));
            // In a stream of CSV the guesses see fewer rows, so that only other formats must agree.
            if format == Format::Csv {
                let _ = of(2, true, size);
            } else {
                prop_assert_eq!(&whole, &of(2, true, size));
            }
            let _ = crate::ingest::detect(None, &bytes);
        }
    }
}
