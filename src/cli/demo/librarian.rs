//! The librarian: answers questions from an index of notes, through a cache, and files new notes.

use super::agent::Agent;
use super::cache::Cache;
use super::corpus::{Index, note, question, terms};
use super::rng::Rng;

/// How many notes the library starts with and keeps.
const NOTES_MAX: usize = 4000;
/// How many answers the cache holds.
const ANSWERS_MAX: usize = 64;
/// How many notes are read for one answer.
const READ_MAX: usize = 24;

/// Its memory: the notes, and the questions looked up last with the notes that fitted.
#[derive(Debug)]
pub(super) struct Librarian {
    index: Index,
    cache: Cache<Vec<u64>>,
}

/// What somebody wants.
pub(super) enum Request {
    /// An answer to these words.
    Lookup(String),
    /// These notes filed.
    Filing(Vec<String>),
}

impl Request {
    fn words(&self) -> &str {
        match self {
            Self::Lookup(words) => words,
            Self::Filing(notes) => notes.first().and_then(|note| note.split('.').next()).unwrap_or_default(),
        }
    }
}

impl Librarian {
    /// A library of notes that `rng` makes.
    pub(super) fn new(rng: &mut Rng) -> Self {
        let mut index = Index::default();
        for _ in 0..NOTES_MAX {
            let sentences = 2 + rng.below(6);
            index.add(note(rng, sentences));
        }
        Self { index, cache: Cache::new(ANSWERS_MAX) }
    }

    /// The notes that fit `words` best: from the cache, where all of them are still kept, or else from the index.
    fn lookup(&mut self, words: &str) -> Vec<u64> {
        let index = &self.index;
        if let Some(ids) = self.cache.get(words, |ids| ids.iter().all(|id| index.text(*id).is_some())) {
            return ids.clone();
        }
        let ids = self.searched(words);
        self.cache.put(words, ids.clone());
        ids
    }

    fn searched(&self, words: &str) -> Vec<u64> {
        self.index.best(words, READ_MAX).into_iter().map(|(id, _)| id).collect()
    }
}

impl Agent for Librarian {
    type Item = Request;
    type Memory = Vec<u64>;
    /// The sentence that answers best.
    type Plan = Option<String>;

    const NAME: &'static str = "librarian";

    fn draw(&mut self, rng: &mut Rng) -> (Request, &'static str) {
        if rng.below(4) == 0 {
            let count = 1 + rng.skewed(8);
            let sentences = 2 + rng.below(6);
            (Request::Filing((0..count).map(|_| note(rng, sentences)).collect()), "filing")
        } else {
            (Request::Lookup(question(rng)), "lookup")
        }
    }

    fn remember(&mut self, request: &Request) -> Vec<u64> {
        match request {
            Request::Lookup(words) => self.lookup(words),
            Request::Filing(_) => self.searched(request.words()),
        }
    }

    /// Reads the notes sentence by sentence and takes the one nearest to the request.
    fn decide(&mut self, request: &Request, ids: Vec<u64>) -> Option<String> {
        let sentences = ids.iter().filter_map(|id| self.index.text(*id)).flat_map(|text| text.split(". "));
        let fit = |sentence: &str| {
            let common = terms(request.words()).filter(|term| sentence.contains(term)).count() as f64;
            common + strsim::normalized_levenshtein(request.words(), sentence)
        };
        sentences.map(|s| (fit(s), s)).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, s)| s.to_owned())
    }

    /// Writes the answer down, or files the notes in place of the oldest ones.
    fn act(&mut self, request: Request, sentence: Option<String>) -> (&'static str, String) {
        match request {
            Request::Lookup(words) => {
                let mut answer = sentence.unwrap_or_else(|| "nothing is known".into());
                for term in terms(&words) {
                    answer = answer.replace(term, &term.to_uppercase());
                }
                self.index.add(format!("{words}: {answer}"));
                self.index.forget_oldest();
                ("scout", answer)
            }
            Request::Filing(notes) => {
                let (count, mut last) = (notes.len(), 0);
                for note in notes {
                    last = self.index.add(note);
                    self.index.forget_oldest();
                }
                ("courier", format!("filed {count} notes, the last one as {last}; {} are kept", self.index.count()))
            }
        }
    }

    fn answer(&mut self, letter: &str) -> String {
        let words: Vec<&str> = terms(letter).take(4).collect();
        let found = self.index.best(&words.join(" "), 1);
        found.first().and_then(|(id, _)| self.index.text(*id)).unwrap_or("nothing is known").to_owned()
    }

    fn hits_and_misses(&self) -> Option<(u64, u64)> {
        Some(self.cache.hits_and_misses())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_the_sentence_that_fits_and_a_second_lookup_is_a_hit() {
        let mut librarian = Librarian { index: Index::default(), cache: Cache::new(4) };
        librarian.index.add("a rope maker sleeps. the zebra counts forty barrels at noon. it rains.".into());
        librarian.index.add("a rope maker sells barrels.".into());
        let request = Request::Lookup("zebra barrels".into());
        for _ in 0..2 {
            let memory = librarian.remember(&request);
            assert_eq!(librarian.decide(&request, memory).unwrap(), "the zebra counts forty barrels at noon");
        }
        assert_eq!(librarian.hits_and_misses(), Some((1, 1)));
    }

    #[test]
    fn filing_keeps_the_number_of_notes() {
        let mut librarian = Librarian::new(&mut Rng::new(1));
        let (to, news) = librarian.act(Request::Filing(vec!["one".into(), "two".into()]), None);
        assert_eq!((to, news.as_str()), ("courier", "filed 2 notes, the last one as 4001; 4000 are kept"));
        assert_eq!(librarian.index.best("two", 1).len(), 1);
    }
}
