//! How agents talk: letters as JSON bytes through channels, a question and its answer making one round trip.
//!
//! Whoever waits for an answer answers the questions of others meanwhile, so two agents that ask each other both get on.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// How long a waiting agent sleeps at most before it looks whether it should stop; a letter wakes it at once.
const NAP: Duration = Duration::from_millis(20);
/// An answer that takes longer than this is lost: its sender must have died.
const PATIENCE: Duration = Duration::from_secs(10);

/// A question, or the answer to one.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Letter {
    from: String,
    id: u64,
    answer: bool,
    /// What it says.
    pub(super) body: String,
}

/// An agent's end of the mail.
#[derive(Debug)]
pub(super) struct Mailbox {
    name: &'static str,
    incoming: Receiver<Vec<u8>>,
    peers: Vec<(&'static str, Sender<Vec<u8>>)>,
    last_id: u64,
    /// How many agents still work, and so may still ask.
    working: Arc<AtomicUsize>,
}

/// A mailbox for each of `names`, in their order, each able to write to all others.
pub(super) fn mailboxes<const N: usize>(names: [&'static str; N]) -> [Mailbox; N] {
    let (senders, receivers): (Vec<_>, Vec<_>) = names.iter().map(|_| channel()).unzip();
    let working = Arc::new(AtomicUsize::new(N));
    let peers: Vec<_> = names.into_iter().zip(senders).collect();
    let mut receivers = receivers.into_iter();
    names.map(|name| Mailbox {
        name,
        incoming: receivers.next().unwrap_or_else(|| channel().1),
        peers: peers.iter().filter(|(peer, _)| *peer != name).cloned().collect(),
        last_id: 0,
        working: Arc::clone(&working),
    })
}

impl Mailbox {
    /// Asks the peer `to` and waits for its answer; questions that come meanwhile are answered by `answer`. `None` where
    /// there is no such peer, it is gone, or `stop` says so.
    pub(super) fn ask(
        &mut self,
        to: &str,
        body: String,
        answer: &mut dyn FnMut(&str) -> String,
        stop: &dyn Fn() -> bool,
    ) -> Option<Letter> {
        self.last_id += 1;
        let id = self.last_id;
        self.send(to, &Letter { from: self.name.to_owned(), id, answer: false, body })?;
        let begun = Instant::now();
        while !stop() && begun.elapsed() < PATIENCE {
            let Some(letter) = self.next_letter(NAP) else { continue };
            if !letter.answer {
                self.reply(&letter, answer);
            } else if letter.id == id {
                return Some(letter);
            }
        }
        None
    }

    /// Answers questions for `span`, or only those that are there already where it is zero.
    pub(super) fn serve(&self, span: Duration, answer: &mut dyn FnMut(&str) -> String, stop: &dyn Fn() -> bool) {
        let begun = Instant::now();
        loop {
            let left = span.saturating_sub(begun.elapsed());
            match self.next_letter(left.min(NAP)) {
                Some(letter) if !letter.answer => self.reply(&letter, answer),
                None if left.is_zero() || stop() => return,
                Some(_) | None => {}
            }
        }
    }

    /// Says that this agent asks nothing more, and answers until nobody does.
    pub(super) fn close(self, answer: &mut dyn FnMut(&str) -> String) {
        let working = Arc::clone(&self.working);
        working.fetch_sub(1, Ordering::SeqCst);
        let begun = Instant::now();
        while working.load(Ordering::SeqCst) > 0 && begun.elapsed() < PATIENCE {
            if let Some(letter) = self.next_letter(NAP / 10)
                && !letter.answer
            {
                self.reply(&letter, answer);
            }
        }
    }

    fn next_letter(&self, patience: Duration) -> Option<Letter> {
        let bytes = self.incoming.recv_timeout(patience).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    fn reply(&self, question: &Letter, answer: &mut dyn FnMut(&str) -> String) {
        let body = answer(&question.body);
        // A peer that is gone needs no answer.
        let _ = self.send(&question.from, &Letter { from: self.name.to_owned(), id: question.id, answer: true, body });
    }

    fn send(&self, to: &str, letter: &Letter) -> Option<()> {
        let (_, peer) = self.peers.iter().find(|(name, _)| *name == to)?;
        peer.send(serde_json::to_vec(letter).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never() -> bool {
        false
    }

    #[test]
    fn a_question_comes_back_with_its_answer() {
        let [mut a, b] = mailboxes(["a", "b"]);
        std::thread::scope(|scope| {
            scope.spawn(move || b.close(&mut |q| format!("{q}? \"yes\"\n")));
            let answer = a.ask("b", "löcher".into(), &mut |_| String::new(), &never).unwrap();
            assert_eq!((answer.from.as_str(), answer.body.as_str()), ("b", "löcher? \"yes\"\n"));
            a.close(&mut |_| String::new());
        });
    }

    #[test]
    fn agents_that_all_ask_each_other_all_get_answers() {
        let boxes = mailboxes(["a", "b", "c"]);
        let answered = std::thread::scope(|scope| {
            let threads: Vec<_> = boxes
                .into_iter()
                .map(|mut mine| {
                    scope.spawn(move || {
                        let peers: Vec<&str> = mine.peers.iter().map(|p| p.0).collect();
                        let mut echo = |q: &str| q.to_owned();
                        let count = (0..200)
                            .filter(|i| {
                                let got = mine.ask(peers[i % 2], i.to_string(), &mut echo, &never);
                                got.is_some_and(|letter| letter.body == i.to_string())
                            })
                            .count();
                        mine.close(&mut echo);
                        count
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(answered, [200, 200, 200]);
    }

    #[test]
    fn nobody_waits_for_a_peer_that_is_gone_or_unknown() {
        let [mut a, b] = mailboxes(["a", "b"]);
        drop(b);
        assert!(a.ask("b", String::new(), &mut |_| String::new(), &never).is_none());
        assert!(a.ask("z", String::new(), &mut |_| String::new(), &never).is_none());
    }

    #[test]
    fn a_waiting_agent_stops_when_told() {
        let [mut a, _b] = mailboxes(["a", "b"]);
        assert!(a.ask("b", String::new(), &mut |_| String::new(), &|| true).is_none());
    }
}
