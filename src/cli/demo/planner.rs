//! The planner: solves sliding puzzles, and remembers the boards that it has solved.

use super::agent::Agent;
use super::pack::pack;
use super::puzzle::{Board, Move, solve};
use super::rng::Rng;
use std::collections::VecDeque;

/// How many solved boards it remembers.
const BOARDS_MAX: usize = 4096;
/// Boards that it looks at before it gives a puzzle up.
const SEARCH_MAX: u64 = 3_000_000;
/// How many different boards there are to draw.
const BOARDS_DRAWN: usize = 3000;

/// Its memory: boards and the plans that solve them.
#[derive(Debug, Default)]
pub(super) struct Planner {
    solved: VecDeque<(Board, Vec<Move>)>,
}

/// The remembered board that is most like the one at hand.
pub(super) struct Episode {
    apart: u32,
    plan: Vec<Move>,
}

impl Agent for Planner {
    type Item = Board;
    type Memory = Option<Episode>;
    type Plan = Option<Vec<Move>>;

    const NAME: &'static str = "planner";

    fn draw(&mut self, rng: &mut Rng) -> (Board, &'static str) {
        let mut of_board = Rng::new(rng.skewed(BOARDS_DRAWN) as u64);
        let hard = of_board.below(5) == 0;
        let moves = if hard { 60 + of_board.below(50) } else { 15 + of_board.below(40) };
        (Board::scrambled(&mut of_board, moves), if hard { "hard_puzzle" } else { "puzzle" })
    }

    fn remember(&mut self, board: &Board) -> Option<Episode> {
        let nearest = self.solved.iter().min_by_key(|(known, _)| known.apart_from(board))?;
        Some(Episode { apart: nearest.0.apart_from(board), plan: nearest.1.clone() })
    }

    /// A plan that solved this very board before, or else a new one, if there is one within its patience.
    fn decide(&mut self, board: &Board, memory: Option<Episode>) -> Option<Vec<Move>> {
        match memory {
            Some(episode) if episode.apart == 0 => Some(episode.plan),
            _ => solve(*board, SEARCH_MAX),
        }
    }

    /// Makes the moves, keeps a packed journal of the boards, and remembers what was new.
    fn act(&mut self, start: Board, plan: Option<Vec<Move>>) -> (&'static str, String) {
        let Some(plan) = plan else {
            return ("librarian", format!("unsolved: {}", start.text()));
        };
        let mut board = start;
        let mut journal = start.text();
        for step in &plan {
            board = board.after(*step).unwrap_or(board);
            journal.push(step.letter());
            journal.push_str(&board.text());
        }
        let packed = pack(journal.as_bytes());
        let known = self.solved.iter().any(|(b, _)| *b == start);
        if board == Board::solved() && !known {
            if self.solved.len() == BOARDS_MAX {
                self.solved.pop_front();
            }
            self.solved.push_back((start, plan.clone()));
        }
        let moves: String = plan.iter().map(|step| step.letter()).collect();
        (
            "courier",
            format!("{}: {moves}, journal of {} bytes, {:08x}", start.text(), packed.len(), crc32fast::hash(&packed)),
        )
    }

    fn answer(&mut self, letter: &str) -> String {
        format!("{} boards solved; read {:08x}", self.solved.len(), crc32fast::hash(letter.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_seen_before_is_solved_from_memory() {
        let mut planner = Planner::default();
        let board = Board::scrambled(&mut Rng::new(1), 20);
        assert!(planner.remember(&board).is_none());
        let plan = planner.decide(&board, None);
        assert!(plan.is_some());
        let (to, news) = planner.act(board, plan.clone());
        assert_eq!((to, news.split(':').next()), ("courier", Some(board.text().as_str())));
        let memory = planner.remember(&board).unwrap();
        assert_eq!((memory.apart, Some(memory.plan)), (0, plan));
    }
}
