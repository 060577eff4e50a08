//! The fifteen puzzle: boards, moves, and a shortest plan by iterative deepening A*.
//!
//! Source: Korf (1985), "Depth-first iterative-deepening: an optimal admissible tree search", Artificial Intelligence 27.

use super::rng::Rng;

const WIDTH: usize = 4;
const CELLS: usize = WIDTH * WIDTH;
/// No board of sixteen cells needs more moves.
const PLAN_LEN_MAX: u32 = 80;

/// The tile on each cell, row by row; 0 is the gap. Solved, the tiles are in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Board([u8; CELLS]);

/// Where the gap goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    Up,
    Down,
    Left,
    Right,
}

const MOVES: [Move; 4] = [Move::Up, Move::Down, Move::Left, Move::Right];

impl Move {
    fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }

    /// The letter of this move in a plan written down.
    pub(super) fn letter(self) -> char {
        match self {
            Self::Up => 'u',
            Self::Down => 'd',
            Self::Left => 'l',
            Self::Right => 'r',
        }
    }

    /// The cell that a gap at `gap` goes to, `None` over the edge.
    fn target(self, gap: usize) -> Option<usize> {
        match self {
            Self::Up => gap.checked_sub(WIDTH),
            Self::Down => Some(gap + WIDTH).filter(|cell| *cell < CELLS),
            Self::Left => gap.checked_sub(1).filter(|_| !gap.is_multiple_of(WIDTH)),
            Self::Right => Some(gap + 1).filter(|cell| !cell.is_multiple_of(WIDTH)),
        }
    }
}

impl Board {
    /// The solved board.
    pub(super) fn solved() -> Self {
        Self(std::array::from_fn(|cell| cell as u8))
    }

    /// The solved board after `moves` random moves, none of which takes the one before back.
    pub(super) fn scrambled(rng: &mut Rng, moves: usize) -> Self {
        let mut board = Self::solved();
        let mut last = None;
        for _ in 0..moves {
            let choices: Vec<Move> = MOVES
                .into_iter()
                .filter(|m| m.target(board.gap()).is_some() && last.is_none_or(|l: Move| l.opposite() != *m))
                .collect();
            let step = *rng.pick(&choices);
            board = board.after(step).unwrap_or(board);
            last = Some(step);
        }
        board
    }

    fn gap(&self) -> usize {
        self.0.iter().position(|tile| *tile == 0).unwrap_or(0)
    }

    /// The board after `step`, `None` where it leads over the edge.
    pub(super) fn after(mut self, step: Move) -> Option<Self> {
        let gap = self.gap();
        let target = step.target(gap)?;
        self.0.swap(gap, target);
        Some(self)
    }

    /// How far the tiles lie apart on the two boards, rows plus columns of all tiles; 0 for the same board.
    pub(super) fn apart_from(&self, other: &Self) -> u32 {
        let mut cells = [0; CELLS];
        for (cell, tile) in other.0.iter().enumerate() {
            cells[*tile as usize] = cell;
        }
        self.0.iter().enumerate().map(|(cell, tile)| apart(cell, cells[*tile as usize])).sum()
    }

    /// How many moves are needed at the least: the sum of the tiles' distances from where they belong.
    fn distance(&self) -> u32 {
        self.0.iter().enumerate().filter(|(_, tile)| **tile != 0).map(|(cell, tile)| apart(cell, *tile as usize)).sum()
    }

    /// The tiles in hexadecimal, row by row.
    pub(super) fn text(&self) -> String {
        self.0.iter().map(|tile| char::from_digit(u32::from(*tile), 16).unwrap_or('?')).collect()
    }
}

/// Rows plus columns between two cells.
fn apart(a: usize, b: usize) -> u32 {
    ((a / WIDTH).abs_diff(b / WIDTH) + (a % WIDTH).abs_diff(b % WIDTH)) as u32
}

/// A shortest plan that solves `board`; `None` where `boards_max` boards were looked at before it was found.
pub(super) fn solve(board: Board, boards_max: u64) -> Option<Vec<Move>> {
    let mut search = Search { board, gap: board.gap(), path: Vec::new(), boards_left: boards_max };
    let estimate = board.distance();
    let mut bound = estimate;
    while bound <= PLAN_LEN_MAX {
        match search.dive(estimate, bound) {
            Outcome::Found => return Some(search.path),
            Outcome::Longer(next) => bound = next,
            Outcome::GaveUp => return None,
        }
    }
    None
}

struct Search {
    board: Board,
    gap: usize,
    path: Vec<Move>,
    boards_left: u64,
}

enum Outcome {
    Found,
    /// No plan within the bound; the next one worth trying.
    Longer(u32),
    GaveUp,
}

impl Search {
    /// Looks depth first for plans of at most `bound` moves, and so at most [`PLAN_LEN_MAX`] calls deep.
    fn dive(&mut self, estimate: u32, bound: u32) -> Outcome {
        let total = self.path.len() as u32 + estimate;
        if total > bound {
            return Outcome::Longer(total);
        }
        if estimate == 0 {
            return Outcome::Found;
        }
        if self.boards_left == 0 {
            return Outcome::GaveUp;
        }
        self.boards_left -= 1;
        let mut next = u32::MAX;
        for step in MOVES {
            if self.path.last().is_some_and(|last| last.opposite() == step) {
                continue;
            }
            let Some(target) = step.target(self.gap) else { continue };
            let gap = self.gap;
            let tile = self.board.0[target] as usize;
            self.slide(target);
            self.path.push(step);
            match self.dive(estimate + apart(gap, tile) - apart(target, tile), bound) {
                Outcome::Longer(total) => next = next.min(total),
                found_or_gave_up => return found_or_gave_up,
            }
            self.path.pop();
            self.slide(gap);
        }
        Outcome::Longer(next)
    }

    fn slide(&mut self, target: usize) {
        self.board.0.swap(self.gap, target);
        self.gap = target;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashMap, VecDeque};

    fn applied(board: Board, plan: &[Move]) -> Option<Board> {
        plan.iter().try_fold(board, |b, step| b.after(*step))
    }

    #[test]
    fn a_solved_board_needs_no_move() {
        assert_eq!(solve(Board::solved(), 10), Some(vec![]));
    }

    #[test]
    fn plans_are_as_short_as_those_of_a_breadth_first_search() {
        let mut depth = HashMap::from([(Board::solved().0, 0)]);
        let mut queue = VecDeque::from([Board::solved()]);
        while let Some(board) = queue.pop_front() {
            let here = depth[&board.0];
            for next in MOVES.into_iter().filter_map(|m| board.after(m)).filter(|_| here < 9) {
                depth.entry(next.0).or_insert_with(|| {
                    queue.push_back(next);
                    here + 1
                });
            }
        }
        assert!(depth.len() > 1000);
        for (cells, moves) in depth {
            let plan = solve(Board(cells), 100_000).unwrap();
            assert_eq!(plan.len(), moves);
            assert_eq!(applied(Board(cells), &plan), Some(Board::solved()));
        }
    }

    #[test]
    fn the_shortest_plan_of_a_published_instance_has_42_moves() {
        // Number 79 of Korf's hundred random instances.
        let board = Board([0, 1, 9, 7, 11, 13, 5, 3, 14, 12, 4, 2, 8, 6, 10, 15]);
        let plan = solve(board, 10_000_000).unwrap();
        assert_eq!(plan.len(), 42);
        assert_eq!(applied(board, &plan), Some(Board::solved()));
    }

    #[test]
    fn the_search_gives_up_at_its_limit() {
        let board = Board([0, 1, 9, 7, 11, 13, 5, 3, 14, 12, 4, 2, 8, 6, 10, 15]);
        assert_eq!(solve(board, 1000), None);
    }

    #[test]
    fn boards_one_move_apart_differ_by_two_cells() {
        let board = Board::scrambled(&mut Rng::new(7), 30);
        let moved = MOVES.into_iter().find_map(|m| board.after(m)).unwrap();
        assert_eq!((board.apart_from(&board), board.apart_from(&moved), moved.apart_from(&board)), (0, 2, 2));
    }

    #[test]
    fn scrambled_boards_keep_every_tile() {
        let mut board = Board::scrambled(&mut Rng::new(5), 200).0;
        board.sort_unstable();
        assert_eq!(board, Board::solved().0);
    }
}
