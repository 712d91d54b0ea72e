//! The search against a model that is too simple to be wrong.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Limits, Reached, Search, Step};

type Edges = Vec<(i64, i64)>;

/// Expands nodes as the database does: one step per node reached, from the lowest of the nodes before it.
fn expand(edges: &Edges, nodes: &[i64]) -> Vec<Step> {
    let mut steps = BTreeMap::new();
    for &(from, to) in edges.iter().filter(|(from, _)| nodes.contains(from)) {
        let lowest = steps.entry(to).or_insert(from);
        *lowest = from.min(*lowest);
    }
    steps.into_iter().map(|(to, from)| Step { to, from }).collect()
}

fn search(edges: &Edges, starts: &[i64], limits: Limits, most: usize) -> Reached {
    let mut search = Search::new(starts, limits);
    while let Some(nodes) = search.next(most) {
        assert!(!nodes.is_empty() && nodes.len() <= most);
        let mut steps = expand(edges, &nodes);
        steps.truncate(search.most_steps().unwrap_or(usize::MAX));
        search.absorb(steps);
    }
    search.end()
}

/// Least depth of everything that can be reached: relaxes every edge until nothing changes.
fn depths(edges: &Edges, starts: &[i64]) -> BTreeMap<i64, u32> {
    let mut depths: BTreeMap<i64, u32> = BTreeMap::new();
    loop {
        let before = depths.clone();
        for (from, to) in edges {
            let here = if starts.contains(from) { Some(0) } else { depths.get(from).copied() };
            if let Some(here) = here {
                let known = depths.entry(*to).or_insert(u32::MAX);
                *known = (here + 1).min(*known);
            }
        }
        if depths == before {
            return depths;
        }
    }
}

fn worlds() -> impl Strategy<Value = (Edges, Vec<i64>)> {
    let edges = prop::collection::btree_set((0..12_i64, 0..12_i64), 0..30);
    (edges.prop_map(|edges| edges.into_iter().collect()), prop::collection::vec(0..12_i64, 1..3))
}

proptest! {
    #[test]
    fn everything_is_reached_once_at_its_least_depth((edges, starts) in worlds(), most in 1..5_usize) {
        let found = search(&edges, &starts, Limits::NONE, most);
        let expected = depths(&edges, &starts);
        prop_assert_eq!(found.nodes.len(), expected.len());
        let reached: BTreeMap<_, _> = found.nodes.iter().map(|node| (node.id, node.depth)).collect();
        prop_assert_eq!(&reached, &expected);
        prop_assert!(!found.truncated);
        prop_assert!(found.nodes.is_sorted_by_key(|node| node.depth));
        for node in &found.nodes {
            prop_assert!(edges.contains(&(node.parent, node.id)));
            let before = if starts.contains(&node.parent) { 0 } else { expected[&node.parent] };
            prop_assert_eq!(before + 1, node.depth);
        }
    }

    #[test]
    fn a_limited_search_is_the_beginning_of_the_whole_one_and_says_what_it_left_out(
        (edges, starts) in worlds(), depth in prop::option::of(0..5_u32), nodes in prop::option::of(0..8_usize),
        looks_behind in any::<bool>(), most in 1..5_usize,
    ) {
        let expected = depths(&edges, &starts);
        let found = search(&edges, &starts, Limits { depth, nodes, looks_behind }, most);
        let within: BTreeSet<_> =
            expected.iter().filter(|(_, at)| depth.is_none_or(|depth| **at <= depth)).collect();
        let wanted = within.len().min(nodes.unwrap_or(usize::MAX));
        prop_assert_eq!(found.nodes.len(), wanted);
        let is_told = looks_behind || wanted < within.len();
        prop_assert_eq!(found.truncated, is_told && wanted < expected.len());
        for node in &found.nodes {
            prop_assert_eq!(expected[&node.id], node.depth);
        }
        let deepest = found.nodes.last().map_or(0, |node| node.depth);
        let nearer = expected.values().filter(|at| **at < deepest).count();
        prop_assert_eq!(found.nodes.iter().filter(|node| node.depth < deepest).count(), nearer);
    }
}

#[test]
fn a_start_is_reached_only_where_a_way_leads_to_it() {
    let chain = vec![(1, 2), (2, 3)];
    assert_eq!(search(&chain, &[1], Limits::NONE, 9).ids(), [2, 3]);
    assert_eq!(search(&chain, &[1, 2], Limits::NONE, 9).ids(), [2, 3]);
    assert_eq!(search(&vec![(1, 1)], &[1], Limits::NONE, 9).ids(), [1]);
    let circle = search(&vec![(1, 2), (2, 3), (3, 1)], &[1], Limits::NONE, 9);
    assert_eq!(circle.nodes.last().map(|node| (node.id, node.depth, node.parent)), Some((1, 3, 3)));
}
