//! The courier: looks up where people live, plans the round, and packs the parcels.

use super::agent::Agent;
use super::corpus::note;
use super::pack::{pack, unpack};
use super::rng::Rng;
use super::route::{Place, metres, shortest_trip};
use std::collections::BTreeMap;

/// How many people the address book holds.
const PEOPLE: usize = 1200;
/// The longest text of a parcel, in bytes.
const PARCEL_LEN_MAX: usize = 1 << 16;

const SYLLABLES: [&str; 16] =
    ["ka", "lo", "mi", "ran", "te", "vos", "del", "bru", "sil", "na", "jor", "wen", "pa", "gri", "ost", "um"];

/// Its memory: who lives where.
#[derive(Debug)]
pub(super) struct Courier {
    addresses: BTreeMap<String, Place>,
    names: Vec<String>,
}

/// A round: to whom to bring what.
pub(super) struct Round {
    /// As written on the parcels; now and then misspelt.
    recipients: Vec<String>,
    text: String,
}

impl Courier {
    /// An address book that `rng` makes.
    pub(super) fn new(rng: &mut Rng) -> Self {
        let mut addresses = BTreeMap::new();
        while addresses.len() < PEOPLE {
            let mut part = |n: usize| (0..n).map(|_| *rng.pick(&SYLLABLES)).collect::<String>();
            let name = format!("{} {}", part(2), part(3));
            addresses.insert(name, (rng.below(20_000) as i32, rng.below(20_000) as i32));
        }
        let names = addresses.keys().cloned().collect();
        Self { addresses, names }
    }

    /// Where `name` lives, or whoever is spelt most like it.
    fn address(&self, name: &str) -> Option<Place> {
        self.addresses.get(name).copied().or_else(|| {
            let nearest = self.addresses.iter().min_by_key(|(known, _)| strsim::osa_distance(known, name))?;
            Some(*nearest.1)
        })
    }
}

impl Agent for Courier {
    type Item = Round;
    type Memory = Vec<Place>;
    /// The order of the stops, and the length of the round in metres.
    type Plan = (Vec<usize>, f64);

    const NAME: &'static str = "courier";

    fn draw(&mut self, rng: &mut Rng) -> (Round, &'static str) {
        let stops = 6 + rng.below(8);
        let recipients = (0..stops).map(|_| {
            let mut name: Vec<char> = rng.pick(&self.names).chars().collect();
            if rng.below(40) == 0 {
                let at = rng.below(name.len() - 1);
                name.swap(at, at + 1);
            }
            name.into_iter().collect()
        });
        let recipients = recipients.collect();
        let sentences = 20 + rng.skewed(500);
        (Round { recipients, text: note(rng, sentences) }, "delivery")
    }

    fn remember(&mut self, round: &Round) -> Vec<Place> {
        round.recipients.iter().filter_map(|name| self.address(name)).collect()
    }

    fn decide(&mut self, _: &Round, places: Vec<Place>) -> (Vec<usize>, f64) {
        shortest_trip((10_000, 10_000), &places)
    }

    /// Packs a parcel for each stop and makes sure that it can be unpacked.
    fn act(&mut self, round: Round, (order, length): (Vec<usize>, f64)) -> (&'static str, String) {
        let (mut bytes, mut good) = (0, 0);
        for stop in &order {
            let text = format!("to {}\n{}", round.recipients[*stop], round.text);
            let parcel = pack(text.as_bytes());
            bytes += parcel.len();
            good += usize::from(unpack(&parcel, PARCEL_LEN_MAX).as_deref() == Some(text.as_bytes()));
        }
        ("librarian", format!("{good} parcels of {bytes} bytes over {length:.0} metres: {}", first_words(&round.text)))
    }

    fn answer(&mut self, letter: &str) -> String {
        let near = self.addresses.values().filter(|place| metres(**place, (10_000, 10_000)) < 2_000.0).count();
        format!("{near} live near the depot; {} bytes read", letter.len())
    }
}

fn first_words(text: &str) -> &str {
    text.split('.').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_found() {
        let courier = Courier::new(&mut Rng::new(1));
        let (name, place) = courier.addresses.iter().next().unwrap();
        let misspelt = format!("{name}x");
        assert_eq!((courier.address(name), courier.address(&misspelt)), (Some(*place), Some(*place)));
    }

    #[test]
    fn every_parcel_of_a_round_can_be_unpacked() {
        let mut courier = Courier::new(&mut Rng::new(1));
        let (round, _) = courier.draw(&mut Rng::new(2));
        let stops = round.recipients.len();
        let places = courier.remember(&round);
        let plan = courier.decide(&round, places);
        let (_, news) = courier.act(round, plan);
        assert!(news.starts_with(&format!("{stops} parcels of ")), "{news}");
    }
}
