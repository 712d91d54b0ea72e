//! Looking ahead: several levels of a search from one statement. Pure.
//!
//! What lies behind a level is asked for before it is known which of its nodes are new, so the steps of the next level
//! begin at old ones too. Those change nothing: whatever they lead to was reached by then.

use super::search::{Search, Step};

/// Levels behind the nodes that a search gave out last, nearest first.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Levels {
    /// The steps of each level.
    pub(super) steps: Vec<Vec<Step>>,
    /// Whether the last of them may lack some.
    pub(super) is_cut: bool,
}

/// Takes in the levels that are whole, as if each had been asked for on its own. False if not even the first is: then
/// nothing was taken in, and the search still waits for it.
pub(super) fn absorb(search: &mut Search, levels: Levels) -> bool {
    let Levels { mut steps, is_cut } = levels;
    if is_cut {
        steps.pop();
        if steps.is_empty() {
            return false;
        }
    }
    let mut steps = steps.into_iter();
    search.absorb(steps.next().unwrap_or_default());
    for level in steps {
        // The nodes are known: they are among those that the level before leads to.
        if search.next(usize::MAX).is_none() {
            break;
        }
        search.absorb(level);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::search::Limits;
    use super::*;

    fn level(steps: &[(i64, i64)]) -> Vec<Step> {
        steps.iter().map(|&(from, to)| Step { from, to }).collect()
    }

    fn search() -> Search {
        let mut search = Search::new(&[1], Limits::NONE);
        assert_eq!(search.next(9), Some(vec![1]));
        search
    }

    #[test]
    fn whole_levels_are_taken_and_the_search_goes_on_behind_them() {
        let mut search = search();
        let steps =
            vec![level(&[(1, 2), (1, 3)]), level(&[(2, 3), (2, 4), (3, 4)]), level(&[(3, 4), (4, 5)])];
        assert!(absorb(&mut search, Levels { steps, is_cut: true }));
        assert_eq!(search.next(9), Some(vec![4]));
        search.absorb([]);
        let depths: Vec<_> =
            search.end().nodes.iter().map(|node| (node.id, node.depth, node.parent)).collect();
        assert_eq!(depths, [(2, 1, 1), (3, 1, 1), (4, 2, 2)]);
    }

    #[test]
    fn a_first_level_that_is_cut_is_not_taken() {
        let mut search = search();
        assert!(!absorb(&mut search, Levels { steps: vec![level(&[(1, 2)])], is_cut: true }));
        search.absorb(level(&[(1, 2), (1, 3)]));
        assert_eq!(search.end().ids(), [2, 3]);
    }

    #[test]
    fn a_circle_ends_also_when_it_is_looked_ahead() {
        let mut search = search();
        let steps = vec![level(&[(1, 2)]), level(&[(2, 1)]), level(&[(1, 2)]), level(&[(2, 1)])];
        assert!(absorb(&mut search, Levels { steps, is_cut: false }));
        assert_eq!(search.next(9), None);
        assert_eq!(search.end().ids(), [2, 1]);
    }
}
