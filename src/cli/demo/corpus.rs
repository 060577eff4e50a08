//! What the team knows: notes about a harbour, an index over their words, and likeness by trigrams.
//!
//! The text is made from the phrases below by a seed. Invariant: the index lists exactly the notes that are kept, by
//! ascending id; ids are never used twice.

use super::rng::Rng;
use std::collections::{HashMap, VecDeque};

const WHO: [&str; 16] = [
    "the lamp keeper",
    "a young pilot",
    "the harbour master",
    "an old diver",
    "the net mender",
    "a customs clerk",
    "the crane driver",
    "a ferry captain",
    "the tide watcher",
    "a rope maker",
    "the salt merchant",
    "a boat builder",
    "the signal boy",
    "an ice carrier",
    "the chart drawer",
    "a quay sweeper",
];
const DOES: [&str; 16] = [
    "repairs", "counts", "paints", "hides", "weighs", "measures", "carries", "oils", "sells", "borrows", "inspects",
    "forgets", "guards", "sorts", "hauls", "records",
];
const WHAT: [&str; 20] = [
    "the brass winch",
    "forty barrels of herring",
    "a torn mainsail",
    "the copper bell",
    "three crates of lanterns",
    "the flood gauge",
    "a coil of tarred rope",
    "the western beacon",
    "a ledger of arrivals",
    "the spare anchor",
    "a chest of charts",
    "two sacks of coal",
    "the fog horn",
    "a broken oar",
    "the pump handle",
    "nine baskets of oysters",
    "a keg of lamp oil",
    "the drawbridge chain",
    "an unpaid bill",
    "the pilot flag",
];
const WHERE: [&str; 16] = [
    "on the north pier",
    "below the old mill",
    "beside the customs house",
    "at the end of the breakwater",
    "in the dry dock",
    "behind the smoke house",
    "under the swing bridge",
    "near the tar yard",
    "in the upper loft",
    "at the ferry steps",
    "along the canal",
    "outside the rope walk",
    "by the oyster beds",
    "on the signal hill",
    "inside the ice cellar",
    "between the two locks",
];
const WHEN: [&str; 12] = [
    "before the fog comes in",
    "after the night ferry",
    "while the tide is low",
    "whenever a storm is near",
    "until the bell rings twice",
    "since the winter flood",
    "as long as the wind holds",
    "when nobody is looking",
    "during the market week",
    "once the lock is full",
    "because the inspector asked",
    "although it is Sunday",
];

/// One sentence about the harbour.
pub(super) fn sentence(rng: &mut Rng) -> String {
    let (who, does, what) = (WHO[rng.skewed(16)], rng.pick(&DOES), WHAT[rng.skewed(20)]);
    format!("{who} {does} {what} {} {}", WHERE[rng.skewed(16)], rng.pick(&WHEN))
}

/// A note of `sentences` sentences.
pub(super) fn note(rng: &mut Rng, sentences: usize) -> String {
    (0..sentences).map(|_| sentence(rng) + ".").collect::<Vec<_>>().join(" ")
}

/// A question of two to four words that notes may hold; a few are asked again and again.
pub(super) fn question(rng: &mut Rng) -> String {
    let mut rng = Rng::new(rng.skewed(120) as u64);
    let words = sentence(&mut rng);
    let words: Vec<&str> = terms(&words).collect();
    (0..2 + rng.below(3)).map(|_| *rng.pick(&words)).collect::<Vec<_>>().join(" ")
}

/// The words of `text` that say something: at least three letters long.
pub(super) fn terms(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2 && !word.eq_ignore_ascii_case("the"))
}

/// Notes and, for each word, the notes that it occurs in.
#[derive(Debug, Default)]
pub(super) struct Index {
    notes: VecDeque<Note>,
    /// For each word, the notes' ids and how often it occurs in each, by ascending id.
    postings: HashMap<String, VecDeque<(u64, u32)>>,
    next_id: u64,
}

#[derive(Debug)]
struct Note {
    id: u64,
    text: String,
    term_count: u32,
}

impl Index {
    /// Adds a note and gives its id.
    pub(super) fn add(&mut self, text: String) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let mut term_count = 0;
        for term in terms(&text) {
            term_count += 1;
            let list = self.postings.entry(term.to_lowercase()).or_default();
            match list.back_mut() {
                Some((last, times)) if *last == id => *times += 1,
                _ => list.push_back((id, 1)),
            }
        }
        self.notes.push_back(Note { id, text, term_count });
        id
    }

    /// Forgets the oldest note.
    pub(super) fn forget_oldest(&mut self) {
        let Some(note) = self.notes.pop_front() else { return };
        for term in terms(&note.text) {
            let term = term.to_lowercase();
            let Some(list) = self.postings.get_mut(&term) else { continue };
            if list.front().is_some_and(|(id, _)| *id == note.id) {
                list.pop_front();
            }
            if list.is_empty() {
                self.postings.remove(&term);
            }
        }
    }

    /// How many notes are kept.
    pub(super) fn count(&self) -> usize {
        self.notes.len()
    }

    /// The text of note `id`, `None` once it is forgotten.
    pub(super) fn text(&self, id: u64) -> Option<&str> {
        let first = self.notes.front()?.id;
        self.notes.get(usize::try_from(id.checked_sub(first)?).ok()?).map(|note| note.text.as_str())
    }

    /// The `count` notes that fit `question` best, best first: the sum over its words of (1 + ln tf) · ln(1 + N / df), over
    /// the square root of the note's length in words.
    ///
    /// Source: Salton and Buckley (1988), "Term-weighting approaches in automatic text retrieval".
    pub(super) fn best(&self, question: &str, count: usize) -> Vec<(u64, f64)> {
        let Some(first) = self.notes.front().map(|note| note.id) else { return Vec::new() };
        let mut scores = vec![0.0; self.notes.len()];
        for term in terms(question) {
            let Some(list) = self.postings.get(&term.to_lowercase()) else { continue };
            let rarity = (1.0 + self.notes.len() as f64 / list.len() as f64).ln();
            for (id, times) in list {
                scores[(id - first) as usize] += (1.0 + f64::from(*times).ln()) * rarity;
            }
        }
        let mut found: Vec<(u64, f64)> = self
            .notes
            .iter()
            .zip(scores)
            .filter(|(_, score)| *score > 0.0)
            .map(|(note, score)| (note.id, score / f64::from(note.term_count).sqrt()))
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found.truncate(count);
        found
    }
}

/// The distinct runs of three characters of a text, to tell how alike two texts are.
#[derive(Debug, Clone)]
pub(super) struct Trigrams(Vec<[char; 3]>);

impl Trigrams {
    pub(super) fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut runs: Vec<[char; 3]> = chars.windows(3).map(|w| [w[0], w[1], w[2]]).collect();
        runs.sort_unstable();
        runs.dedup();
        Self(runs)
    }

    /// Common runs over all runs of the two (Jaccard): 1 for equal texts, 0 for texts with nothing in common.
    pub(super) fn likeness(&self, other: &Self) -> f64 {
        let (mut a, mut b, mut common) = (0, 0, 0);
        while a < self.0.len() && b < other.0.len() {
            match self.0[a].cmp(&other.0[b]) {
                std::cmp::Ordering::Less => a += 1,
                std::cmp::Ordering::Greater => b += 1,
                std::cmp::Ordering::Equal => {
                    (a, b, common) = (a + 1, b + 1, common + 1);
                }
            }
        }
        let all = self.0.len() + other.0.len() - common;
        if all == 0 { 0.0 } else { common as f64 / all as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_note_with_the_rare_words_is_found_first() {
        let mut index = Index::default();
        index.add("The keeper oils the winch. The keeper sleeps.".into());
        let bell = index.add("The keeper rings the bell.".into());
        index.add("The keeper counts the barrels.".into());
        assert_eq!(index.best("who rings that bell, keeper?", 2)[0].0, bell);
        assert_eq!(index.best("keeper", 9).len(), 3);
        assert_eq!(index.best("unicorn", 9), []);
    }

    #[test]
    fn a_forgotten_note_is_found_no_more() {
        let mut index = Index::default();
        let old = index.add("winch winch bell".into());
        let new = index.add("winch rope".into());
        index.forget_oldest();
        assert_eq!(index.best("winch bell", 9).iter().map(|f| f.0).collect::<Vec<_>>(), [new]);
        assert_eq!((index.text(old), index.text(new)), (None, Some("winch rope")));
        index.forget_oldest();
        index.forget_oldest();
        assert!(index.best("winch", 9).is_empty() && index.postings.is_empty());
    }

    #[test]
    fn likeness_tells_near_texts_from_far_ones() {
        let [a, b, c] = ["north pier gate", "north pier gates", "oyster beds"].map(Trigrams::of);
        assert_eq!(a.likeness(&a), 1.0);
        assert!(a.likeness(&b) > 0.9 && a.likeness(&c) < 0.1);
        assert_eq!(Trigrams::of("").likeness(&Trigrams::of("ab")), 0.0);
    }

    #[test]
    fn a_seed_always_makes_the_same_text() {
        assert_eq!(note(&mut Rng::new(4), 3), note(&mut Rng::new(4), 3));
        let asked: std::collections::HashSet<String> = (0..300).map(|i| question(&mut Rng::new(i))).collect();
        assert!((40..120).contains(&asked.len()), "{}", asked.len());
    }
}
