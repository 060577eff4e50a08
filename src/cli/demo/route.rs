//! The shortest round trip over a few stops, exactly.
//!
//! Source: Held and Karp (1962), "A dynamic programming approach to sequencing problems", SIAM Journal 10(1).

/// A place on a plane, in metres.
pub(super) type Place = (i32, i32);

/// The most stops of one trip: time and memory double with each.
pub(super) const STOPS_MAX: usize = 13;

/// The order in which to visit `stops` (as indices into it) so that the trip from `depot` and back to it is the
/// shortest, and its length in metres. Stops beyond [`STOPS_MAX`] are left for the next trip.
pub(super) fn shortest_trip(depot: Place, stops: &[Place]) -> (Vec<usize>, f64) {
    let stops = &stops[..stops.len().min(STOPS_MAX)];
    let n = stops.len();
    if n == 0 {
        return (Vec::new(), 0.0);
    }
    // `best[visited * n + last]`: the shortest way from the depot over `visited` that ends at `last`, and the stop before it.
    let mut best = vec![(f64::INFINITY, usize::MAX); (1 << n) * n];
    for (i, stop) in stops.iter().enumerate() {
        best[(1 << i) * n + i].0 = metres(depot, *stop);
    }
    for visited in 1..1_usize << n {
        for last in (0..n).filter(|i| visited >> i & 1 == 1) {
            let so_far = best[visited * n + last].0;
            for next in (0..n).filter(|i| visited >> i & 1 == 0) {
                let length = so_far + metres(stops[last], stops[next]);
                let there = &mut best[(visited | 1 << next) * n + next];
                if length < there.0 {
                    *there = (length, last);
                }
            }
        }
    }
    let all = (1 << n) - 1;
    let home = |last: usize| best[all * n + last].0 + metres(stops[last], depot);
    let last = (0..n).min_by(|a, b| home(*a).total_cmp(&home(*b))).unwrap_or(0);
    (followed_back(&best, n, last), home(last))
}

fn followed_back(best: &[(f64, usize)], n: usize, last: usize) -> Vec<usize> {
    let (mut visited, mut at) = ((1 << n) - 1, last);
    let mut order = vec![at];
    while order.len() < n {
        let before = best[visited * n + at].1;
        visited &= !(1 << at);
        at = before;
        order.push(at);
    }
    order.reverse();
    order
}

/// The straight distance.
pub(super) fn metres(a: Place, b: Place) -> f64 {
    f64::from(a.0 - b.0).hypot(f64::from(a.1 - b.1))
}

#[cfg(test)]
mod tests {
    use super::super::rng::Rng;
    use super::*;

    fn length(depot: Place, stops: &[Place], order: &[usize]) -> f64 {
        let mut at = depot;
        let mut sum = 0.0;
        for place in order.iter().map(|i| stops[*i]).chain([depot]) {
            sum += metres(at, place);
            at = place;
        }
        sum
    }

    fn by_trying_all(depot: Place, stops: &[Place], order: &mut Vec<usize>) -> f64 {
        if order.len() == stops.len() {
            return length(depot, stops, order);
        }
        let mut least = f64::INFINITY;
        for i in 0..stops.len() {
            if !order.contains(&i) {
                order.push(i);
                least = least.min(by_trying_all(depot, stops, order));
                order.pop();
            }
        }
        least
    }

    #[test]
    fn stops_on_a_line_are_visited_without_turning_back() {
        let (order, metres) = shortest_trip((0, 0), &[(20, 0), (10, 0), (30, 0)]);
        assert_eq!(metres, 60.0);
        assert!(order == [1, 0, 2] || order == [2, 0, 1] || order == [0, 2, 1] || order == [1, 2, 0], "{order:?}");
    }

    #[test]
    fn trips_are_as_short_as_the_best_of_all_orders() {
        let mut rng = Rng::new(8);
        for n in [1, 2, 5, 6] {
            let stops: Vec<Place> = (0..n).map(|_| (rng.below(1000) as i32, rng.below(1000) as i32)).collect();
            let (order, metres) = shortest_trip((500, 500), &stops);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..n).collect::<Vec<_>>());
            assert!((metres - length((500, 500), &stops, &order)).abs() < 1e-9);
            assert!((metres - by_trying_all((500, 500), &stops, &mut Vec::new())).abs() < 1e-9);
        }
    }

    #[test]
    fn no_stop_is_no_trip_and_too_many_are_cut() {
        assert_eq!(shortest_trip((0, 0), &[]), (vec![], 0.0));
        assert_eq!(shortest_trip((0, 0), &[(1, 1); 20]).0.len(), STOPS_MAX);
    }
}
