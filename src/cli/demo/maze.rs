//! Grids of walls and terrain, and the cheapest way through them by A*.
//!
//! Source: Hart, Nilsson and Raphael (1968), "A formal basis for the heuristic determination of minimum cost paths".

use super::rng::Rng;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What it costs to step on each cell, row by row; 0 is a wall.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    width: usize,
    costs: Vec<u8>,
}

/// The cells of a way, from the first to the last, and what stepping on all but the first costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) cells: Vec<usize>,
    pub(super) cost: u32,
}

impl Grid {
    /// `width` × `height` cells of cost 1, of which `walls` in a hundred are walls. The first and the last are none.
    pub(super) fn maze(rng: &mut Rng, width: usize, height: usize, walls: usize) -> Self {
        let mut costs: Vec<u8> = (0..width * height).map(|_| u8::from(rng.below(100) >= walls)).collect();
        for end in [0, width * height - 1] {
            costs[end] = 1;
        }
        Self { width, costs }
    }

    /// `width` × `height` cells of costs 1 to 9 without walls: hills that slope from random summits.
    pub(super) fn terrain(rng: &mut Rng, width: usize, height: usize) -> Self {
        let summits: Vec<(usize, usize)> = (0..12).map(|_| (rng.below(width), rng.below(height))).collect();
        let cost = |cell: usize| {
            let (x, y) = (cell % width, cell / width);
            let near = summits.iter().map(|s| s.0.abs_diff(x) + s.1.abs_diff(y)).min().unwrap_or(0);
            9_usize.saturating_sub(near / 2).max(1) as u8
        };
        Self { width, costs: (0..width * height).map(cost).collect() }
    }

    /// How many cells there are.
    pub(super) fn count(&self) -> usize {
        self.costs.len()
    }

    /// What it costs to step on `cell`; 0 is a wall.
    pub(super) fn cost(&self, cell: usize) -> u8 {
        self.costs[cell]
    }

    /// The open cells above, below, left and right of `cell`.
    pub(super) fn neighbours(&self, cell: usize) -> impl Iterator<Item = usize> + '_ {
        let column = cell % self.width;
        let above = cell.checked_sub(self.width);
        let below = Some(cell + self.width).filter(|c| *c < self.costs.len());
        let left = (column > 0).then(|| cell - 1);
        let right = (column + 1 < self.width).then(|| cell + 1);
        [above, below, left, right].into_iter().flatten().filter(|c| self.costs[*c] > 0)
    }

    /// The cheapest way from `start` to `end`; `None` where walls shut them off.
    pub(super) fn way(&self, start: usize, end: usize) -> Option<Way> {
        let mut spent = vec![u32::MAX; self.costs.len()];
        let mut before = vec![usize::MAX; self.costs.len()];
        let mut open = BinaryHeap::from([Reverse((self.apart(start, end), start))]);
        spent[start] = 0;
        while let Some(Reverse((total, cell))) = open.pop() {
            if cell == end {
                return Some(Way { cells: walked_back(&before, start, end), cost: spent[end] });
            }
            if total > spent[cell] + self.apart(cell, end) {
                continue;
            }
            for next in self.neighbours(cell) {
                let cost = spent[cell] + u32::from(self.costs[next]);
                if cost < spent[next] {
                    spent[next] = cost;
                    before[next] = cell;
                    open.push(Reverse((cost + self.apart(next, end), next)));
                }
            }
        }
        None
    }

    /// Rows plus columns between two cells: no way is cheaper, since a step costs at least 1.
    fn apart(&self, a: usize, b: usize) -> u32 {
        ((a / self.width).abs_diff(b / self.width) + (a % self.width).abs_diff(b % self.width)) as u32
    }
}

fn walked_back(before: &[usize], start: usize, end: usize) -> Vec<usize> {
    let mut cells = vec![end];
    let mut cell = end;
    while cell != start {
        cell = before[cell];
        cells.push(cell);
    }
    cells.reverse();
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: &[&str]) -> Grid {
        let costs = rows.concat().bytes().map(|b| if b == b'#' { 0 } else { b - b'0' }).collect();
        Grid { width: rows[0].len(), costs }
    }

    /// Relaxes every edge until nothing changes: slow, and too simple to be wrong.
    fn cheapest(grid: &Grid, end: usize) -> Option<u32> {
        let mut spent = vec![None; grid.count()];
        spent[0] = Some(0);
        loop {
            let before = spent.clone();
            for cell in 0..grid.count() {
                let Some(here) = spent[cell] else { continue };
                for next in grid.neighbours(cell) {
                    let cost = here + u32::from(grid.cost(next));
                    spent[next] = Some(spent[next].map_or(cost, |s: u32| s.min(cost)));
                }
            }
            if before == spent {
                return spent[end];
            }
        }
    }

    #[test]
    fn the_way_goes_around_a_wall() {
        let grid = grid(&["111", "1#1", "1#1"]);
        assert_eq!(grid.way(6, 8), Some(Way { cells: vec![6, 3, 0, 1, 2, 5, 8], cost: 6 }));
    }

    #[test]
    fn a_long_flat_way_is_cheaper_than_a_short_steep_one() {
        assert_eq!(grid(&["191", "111"]).way(0, 2).map(|w| w.cost), Some(4));
    }

    #[test]
    fn walls_can_shut_the_end_off() {
        assert_eq!(grid(&["1#1", "1#1"]).way(0, 2), None);
    }

    #[test]
    fn ways_through_random_grids_are_the_cheapest() {
        let mut rng = Rng::new(3);
        for round in 0..30 {
            let grid = if round % 2 == 0 { Grid::maze(&mut rng, 12, 9, 35) } else { Grid::terrain(&mut rng, 12, 9) };
            let way = grid.way(0, grid.count() - 1);
            assert_eq!(way.as_ref().map(|w| w.cost), cheapest(&grid, grid.count() - 1));
            for pair in way.iter().flat_map(|w| w.cells.windows(2)) {
                assert!(grid.neighbours(pair[0]).any(|c| c == pair[1]));
            }
        }
    }
}
