//! How waves spread within a part of the graph. Pure. Each record gets the newest wave that comes to it, on the
//! shortest way; a wave that is not newer than the record's last clearing ends there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::MarkRules;

/// What reaches a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label {
    /// Which wave.
    pub(super) wave: i64,
    /// Edges from where it began.
    pub(super) depth: u32,
    /// The version that it began at.
    pub(super) origin: i64,
}

/// Records and the edges among them, each record named by its place in the list.
#[derive(Debug, Default)]
pub(super) struct Region {
    /// Waves up to this one end at the record.
    pub(super) cleared_wave: Vec<i64>,
    /// The records that used something that the record made.
    pub(super) users: Vec<Vec<usize>>,
    /// What comes to records from outside the region, and from marks.
    pub(super) arrivals: Vec<(usize, Label)>,
}

/// The label of every record of the region; none for those that nothing reaches.
pub(super) fn spread(region: &Region, rules: MarkRules) -> Vec<Option<Label>> {
    let mut labels: Vec<Option<Label>> = vec![None; region.cleared_wave.len()];
    let mut coming: BinaryHeap<_> =
        region.arrivals.iter().map(|&(record, label)| rank(record, label)).collect();
    // The newest wave comes first, and of that the shortest way: what a record gets first is final.
    while let Some((wave, Reverse((depth, origin, record)))) = coming.pop() {
        let (Some(slot), Some(&cleared)) = (labels.get_mut(record), region.cleared_wave.get(record)) else {
            continue;
        };
        if slot.is_some() || wave <= cleared || !rules.reaches(depth) {
            continue;
        }
        *slot = Some(Label { wave, depth, origin });
        let users = region.users.get(record).into_iter().flatten();
        coming.extend(users.map(|&user| rank(user, Label { wave, depth: depth + 1, origin })));
    }
    labels
}

type Rank = (i64, Reverse<(u32, i64, usize)>);

const fn rank(record: usize, label: Label) -> Rank {
    (label.wave, Reverse((label.depth, label.origin, record)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(cleared: &[i64], edges: &[(usize, usize)], arrivals: &[(usize, i64)]) -> Region {
        let mut users = vec![Vec::new(); cleared.len()];
        for &(from, to) in edges {
            users[from].push(to);
        }
        let label = |wave| Label { wave, depth: 1, origin: wave };
        Region {
            cleared_wave: cleared.to_vec(),
            users,
            arrivals: arrivals.iter().map(|&(record, wave)| (record, label(wave))).collect(),
        }
    }

    fn reached(region: &Region, max_depth: Option<u32>) -> Vec<Option<(i64, u32)>> {
        let labels = spread(region, MarkRules { max_depth });
        labels.into_iter().map(|label| label.map(|label| (label.wave, label.depth))).collect()
    }

    #[test]
    fn a_circle_is_gone_through_once_and_a_diamond_on_the_shorter_way() {
        let edges = [(0, 1), (1, 2), (2, 0), (0, 3), (3, 4), (2, 4)];
        let labels = reached(&region(&[0; 5], &edges, &[(0, 7)]), None);
        assert_eq!(labels, [Some((7, 1)), Some((7, 2)), Some((7, 3)), Some((7, 2)), Some((7, 3))]);
    }

    #[test]
    fn a_circle_does_not_keep_itself_suspect() {
        assert_eq!(reached(&region(&[0, 0], &[(0, 1), (1, 0)], &[]), None), [None, None]);
    }

    #[test]
    fn a_clearing_stops_older_waves_and_lets_newer_ones_through() {
        let chain = [(0, 1), (1, 2)];
        assert_eq!(reached(&region(&[0, 5, 0], &chain, &[(0, 5)]), None), [Some((5, 1)), None, None]);
        let labels = reached(&region(&[0, 5, 0], &chain, &[(0, 5), (0, 6)]), None);
        assert_eq!(labels, [Some((6, 1)), Some((6, 2)), Some((6, 3))]);
    }

    #[test]
    fn an_older_wave_goes_on_where_it_finds_another_way() {
        let labels = reached(&region(&[0, 3, 0], &[(0, 1), (1, 2)], &[(0, 3), (2, 2)]), None);
        assert_eq!(labels, [Some((3, 1)), None, Some((2, 1))]);
    }

    #[test]
    fn a_limit_ends_waves_after_so_many_edges() {
        let chain = [(0, 1), (1, 2)];
        assert_eq!(reached(&region(&[0; 3], &chain, &[(0, 1)]), Some(2)), [Some((1, 1)), Some((1, 2)), None]);
        assert_eq!(reached(&region(&[0; 3], &chain, &[(0, 1)]), Some(0)), [None, None, None]);
    }
}
