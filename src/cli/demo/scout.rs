//! The scout: finds ways through mazes and over hills, walks them, and remembers the places by their descriptions.

use super::agent::Agent;
use super::corpus::{Trigrams, sentence};
use super::maze::{Grid, Way};
use super::rng::Rng;
use std::collections::VecDeque;

/// How many places it remembers.
const PLACES_MAX: usize = 1500;

/// Its memory: how places were described, and what the way there cost.
#[derive(Debug, Default)]
pub(super) struct Scout {
    places: VecDeque<(Trigrams, u32)>,
}

/// A grid to cross, and the description of its far end.
pub(super) struct Errand {
    grid: Grid,
    place: String,
}

impl Agent for Scout {
    type Item = Errand;
    /// How alike the most alike place is, and what the way there cost.
    type Memory = (f64, u32);
    type Plan = (u32, Option<Way>);

    const NAME: &'static str = "scout";

    fn draw(&mut self, rng: &mut Rng) -> (Errand, &'static str) {
        let place = sentence(rng);
        if rng.below(4) == 0 {
            let (width, height) = (80 + rng.below(120), 60 + rng.below(80));
            (Errand { grid: Grid::terrain(rng, width, height), place }, "terrain")
        } else {
            let (width, height, walls) = (80 + rng.below(160), 60 + rng.below(120), 22 + rng.below(13));
            (Errand { grid: Grid::maze(rng, width, height, walls), place }, "maze")
        }
    }

    fn remember(&mut self, errand: &Errand) -> (f64, u32) {
        let place = Trigrams::of(&errand.place);
        let likeness = self.places.iter().map(|(known, cost)| (known.likeness(&place), *cost));
        likeness.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default()
    }

    /// The cheapest way across, and what it expected the way to cost from what it remembers.
    fn decide(&mut self, errand: &Errand, (likeness, cost): (f64, u32)) -> (u32, Option<Way>) {
        let expected = (likeness * f64::from(cost)) as u32;
        (expected, errand.grid.way(0, errand.grid.count() - 1))
    }

    /// Walks the way, looks around at each step, and remembers the place.
    fn act(&mut self, errand: Errand, (expected, way): (u32, Option<Way>)) -> (&'static str, String) {
        let Some(way) = way else {
            return ("planner", format!("no way to where {}", errand.place));
        };
        let mut seen = vec![false; errand.grid.count()];
        let mut climbed = 0;
        for step in way.cells.windows(2) {
            climbed += u32::from(errand.grid.cost(step[1]).saturating_sub(errand.grid.cost(step[0])));
            for near in errand.grid.neighbours(step[1]) {
                seen[near] = true;
                for far in errand.grid.neighbours(near) {
                    seen[far] = true;
                }
            }
        }
        if self.places.len() == PLACES_MAX {
            self.places.pop_front();
        }
        self.places.push_back((Trigrams::of(&errand.place), way.cost));
        let seen = seen.iter().filter(|s| **s).count();
        let news = format!(
            "to where {}: {} steps, cost {} (expected {expected}), climbed {climbed}, saw {seen} cells",
            errand.place,
            way.cells.len() - 1,
            way.cost
        );
        ("librarian", news)
    }

    fn answer(&mut self, letter: &str) -> String {
        let letter = Trigrams::of(letter);
        let known = self.places.iter().rev().take(50).filter(|(place, _)| place.likeness(&letter) > 0.2).count();
        format!("{known} of the last places fit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_described_alike_is_remembered_with_its_cost() {
        let mut scout = Scout::default();
        let mut rng = Rng::new(2);
        let errand = || Errand { grid: Grid::maze(&mut Rng::new(1), 20, 20, 0), place: "by the oyster beds".into() };
        assert_eq!(scout.remember(&errand()), (0.0, 0));
        let plan = scout.decide(&errand(), (0.0, 0));
        let (to, news) = scout.act(errand(), plan);
        assert_eq!(to, "librarian");
        assert!(news.contains("38 steps, cost 38 (expected 0)"), "{news}");
        let other = Errand { place: "near the oyster beds".into(), ..scout.draw(&mut rng).0 };
        let (likeness, cost) = scout.remember(&other);
        assert!(likeness > 0.5 && cost == 38);
    }
}
