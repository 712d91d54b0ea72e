//! How waves spread within a part of the graph. Pure. Each record gets the newest wave that comes to it, on the
//! shortest way; a wave that is not newer than the record's last clearing ends there. How far waves may run does not
//! matter to what is made directly from something tainted.

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
    /// What comes to records from outside the region, and from suspicions.
    pub(super) arrivals: Vec<(usize, Label)>,
    /// What comes to records from something tainted that they used.
    pub(super) taints: Vec<(usize, Label)>,
}

/// The label of every record of the region; none for those that nothing reaches.
pub(super) fn spread(region: &Region, rules: MarkRules) -> Vec<Option<Label>> {
    let mut labels: Vec<Option<Label>> = vec![None; region.cleared_wave.len()];
    // The least depth in which a wave went on from each record.
    let mut nearest: Vec<Option<u32>> = vec![None; region.cleared_wave.len()];
    let near = region.arrivals.iter().filter(|(_, label)| rules.reaches(label.depth));
    let mut coming: BinaryHeap<_> =
        near.chain(&region.taints).map(|&(record, label)| rank(record, label)).collect();
    // The newest wave comes first, and of that the shortest way: what a record gets first is final.
    while let Some((wave, Reverse((depth, origin, record)))) = coming.pop() {
        let (Some(slot), Some(nearest)) = (labels.get_mut(record), nearest.get_mut(record)) else { continue };
        // An older wave matters only where it gets further than all that came before it.
        let is_outrun = nearest.is_some_and(|known| known <= depth || rules.max_depth.is_none());
        if is_outrun || region.cleared_wave.get(record).is_none_or(|&cleared| wave <= cleared) {
            continue;
        }
        slot.get_or_insert(Label { wave, depth, origin });
        *nearest = Some(depth);
        if rules.reaches(depth + 1) {
            let users = region.users.get(record).into_iter().flatten();
            coming.extend(users.map(|&user| rank(user, Label { wave, depth: depth + 1, origin })));
        }
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
            taints: Vec::new(),
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

    #[test]
    fn what_is_made_from_something_tainted_is_reached_whatever_the_limit() {
        let chain = [(0, 1), (1, 2)];
        let taint = |wave, depth| (0, Label { wave, depth, origin: wave });
        let taints = vec![taint(1, 4), taint(2, 9)];
        let far = Region { taints, ..region(&[0, 0, 0], &chain, &[]) };
        for limit in [0, 4] {
            assert_eq!(reached(&far, Some(limit)), [Some((2, 9)), None, None], "{limit}");
        }
        assert_eq!(reached(&far, Some(10)), [Some((2, 9)), Some((2, 10)), Some((1, 6))]);
        let cleared = Region { cleared_wave: vec![2, 0, 0], ..far };
        assert_eq!(reached(&cleared, Some(3)), [None, None, None]);
    }

    #[test]
    fn an_older_wave_goes_on_behind_the_limit_of_a_newer_one() {
        let chain = [(0, 1), (1, 2), (2, 3)];
        let far = (0, Label { wave: 2, depth: 3, origin: 2 });
        let both = Region { taints: vec![far], ..region(&[0; 4], &chain, &[(0, 1)]) };
        assert_eq!(reached(&both, Some(3)), [Some((2, 3)), Some((1, 2)), Some((1, 3)), None]);
        assert_eq!(reached(&both, None), [Some((2, 3)), Some((2, 4)), Some((2, 5)), Some((2, 6))]);
    }
}
