//! Records requests to a small HTTP server, as JSON Lines on stdout: how long each took and how large its answer was.
//!
//! `cargo run --release --example record_requests -- --for 3m > requests.jsonl`. Server and clients run in this process and
//! talk over the loopback interface, one connection a request. Every path does real work; `/report` takes one request at a
//! time and turns others away. Run it in the root of the package: `/files` reads the sources there.

#![expect(clippy::print_stdout, reason = "the recording goes to stdout")]

use perfdb::error::{Error, Result};
use perfdb::model::{Duration, Timestamp};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Requests of one client, per second on average.
const RATE: f64 = 2.0;
const CLIENTS: u64 = 3;
const BODY_LEN_MAX: usize = 1 << 20;

fn main() -> Result<()> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let text = given.iter().skip_while(|a| *a != "--for").nth(1).map_or("10s", String::as_str);
    let span = text.parse::<Duration>().map_err(Error::usage)?;
    let until = Instant::now() + std::time::Duration::from_nanos(u64::try_from(span.ns_mean()).unwrap_or(0));
    let here = Path::new("127.0.0.1");
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| Error::io("listen on", here, e))?;
    let address = listener.local_addr().map_err(|e| Error::io("listen on", here, e))?;
    std::thread::spawn(move || serve(&listener));
    std::thread::scope(|scope| {
        for seed in 0..CLIENTS {
            scope.spawn(move || client(address, seed, until));
        }
    });
    Ok(())
}

/// Sends requests one after the other, with random gaps, and prints what it saw.
fn client(address: SocketAddr, seed: u64, until: Instant) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9) + 1);
    loop {
        // Gaps of a Poisson process: exponential.
        let gap = -(1.0 - random.fraction()).ln() / RATE;
        std::thread::sleep(std::time::Duration::from_secs_f64(gap));
        if Instant::now() >= until {
            return;
        }
        let (method, target, body) = random.request();
        let begun = Instant::now();
        let Ok((status, len)) = exchange(address, method, &target, &body) else { continue };
        let took = begun.elapsed().as_nanos() as f64 / 1e6;
        let now = Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as i64));
        let path = target.split(['?', '/']).nth(1).unwrap_or_default();
        let line = |metric: &str, value: f64| {
            let labels = format!(r#"{{"method":"{method}","path":"/{path}","status":"{status}"}}"#);
            format!(r#"{{"metric":"{metric}","ts":"{}","value":{value},"labels":{labels}}}"#, now.rfc3339())
        };
        println!("{}\n{}", line("http.request_ms", took), line("http.response_bytes", len as f64));
    }
}

/// One request; gives the status and the length of the answer's body.
fn exchange(address: SocketAddr, method: &str, target: &str, body: &str) -> std::io::Result<(String, usize)> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::InvalidData)?;
    Ok((head.split(' ').nth(1).unwrap_or_default().to_owned(), body.len()))
}

/// Answers each connection in a thread of its own.
fn serve(listener: &TcpListener) {
    let report = Mutex::new(());
    std::thread::scope(|scope| {
        for stream in listener.incoming().flatten() {
            let report = &report;
            scope.spawn(move || {
                // A client that went away needs no answer.
                let _ = answer(&stream, report);
            });
        }
    });
}

fn answer(mut stream: &TcpStream, report: &Mutex<()>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut len) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            len = value.trim().parse().unwrap_or(0).min(BODY_LEN_MAX);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body)?;
    let target = first.split(' ').nth(1).unwrap_or_default();
    let (status, content) = respond(target, &body, report);
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{content}", content.len())
}

/// The work behind each path.
fn respond(target: &str, body: &[u8], report: &Mutex<()>) -> (&'static str, String) {
    let (path, number) = target.split_once("?n=").unwrap_or((target, ""));
    let n: usize = number.parse().unwrap_or(1).min(2_000_000);
    match path {
        "/health" => ("200 OK", "ok\n".into()),
        "/sort" => ("200 OK", sorted(n)),
        "/hash" => ("200 OK", hashed(body, n)),
        "/orders" => ordered(body),
        "/report" => match report.try_lock() {
            Ok(_alone) => ("200 OK", table(n)),
            Err(_) => ("503 Service Unavailable", "another report is being made\n".into()),
        },
        _ => match path.strip_prefix("/files/").map(std::fs::read_to_string) {
            Some(Ok(text)) => ("200 OK", text),
            _ => ("404 Not Found", format!("nothing at {path}\n")),
        },
    }
}

/// Sorts `n` numbers and gives every thousandth.
fn sorted(n: usize) -> String {
    let mut random = Random(n as u64);
    let mut numbers: Vec<u64> = (0..n).map(|_| random.bits()).collect();
    numbers.sort_unstable();
    numbers.iter().step_by(1000).fold(String::new(), |mut text, number| {
        let _ = writeln!(text, "{number}");
        text
    })
}

/// The checksum of the checksum of ... `n` times, each over all of `body`.
fn hashed(body: &[u8], n: usize) -> String {
    let sum = (0..n).fold(0, |sum, _| {
        let mut hasher = crc32fast::Hasher::new_with_initial(sum);
        hasher.update(body);
        hasher.finalize()
    });
    format!("{sum:08x}\n")
}

/// Takes an order of the form `{"item": "...", "count": 3}`.
fn ordered(body: &[u8]) -> (&'static str, String) {
    let Ok(order) = serde_json::from_slice::<serde_json::Value>(body) else {
        return ("400 Bad Request", "no JSON\n".into());
    };
    match (order["item"].as_str(), order["count"].as_u64()) {
        (Some(item), Some(count)) => {
            ("201 Created", format!("{{\"item\":\"{item}\",\"left\":{}}}\n", 1000 - count.min(1000)))
        }
        _ => ("422 Unprocessable Content", "an order needs item and count\n".into()),
    }
}

/// A table of `n` rows.
fn table(n: usize) -> String {
    let mut random = Random(n as u64);
    let mut rows: Vec<(String, u64)> = (0..n).map(|i| (format!("row {i}"), random.bits() % 1000)).collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let cells = rows.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = write!(text, "<tr><td>{name}<td>{value}");
        text
    });
    format!("<table>{cells}</table>\n")
}

/// Xorshift64*, so that the requests are the same each time.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn fraction(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.fraction() * bound as f64) as usize
    }

    /// Method, target and body of the next request.
    fn request(&mut self) -> (&'static str, String, String) {
        let get = |target: String| ("GET", target, String::new());
        match self.below(100) {
            0..25 => get("/health".into()),
            25..40 => get(format!("/sort?n={}", 1000 + self.below(400_000))),
            40..55 => {
                let body = "all work and no play ".repeat(1 + self.below(8000));
                ("POST", format!("/hash?n={}", 1 + self.below(3000)), body)
            }
            55..75 => {
                let files = ["Cargo.lock", "Cargo.toml", "LICENSE-MIT", "src/lib.rs", "src/error.rs", "no-such-file"];
                get(format!("/files/{}", files[self.below(files.len())]))
            }
            75..92 => {
                let bodies =
                    [r#"{"item":"rope","count":3}"#, r#"{"item":"lamp","count":12}"#, r#"{"item":"oar"}"#, "oar, 2"];
                ("POST", "/orders".into(), bodies[[0, 0, 0, 0, 1, 1, 1, 2, 3][self.below(9)]].into())
            }
            _ => get(format!("/report?n={}", 50_000 + self.below(450_000))),
        }
    }
}
