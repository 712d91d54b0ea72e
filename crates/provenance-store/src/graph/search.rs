//! A search in breadth, without a database: which nodes to expand next, and what was reached. Pure.

use std::collections::HashSet;

/// How far a search goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Most edges from a start.
    pub depth: Option<u32>,
    /// Most nodes reached.
    pub nodes: Option<usize>,
    /// Whether to find out if anything lies behind that depth, which costs one more level.
    pub looks_behind: bool,
}

impl Limits {
    /// To the end, wherever it is.
    pub const NONE: Self = Self { depth: None, nodes: None, looks_behind: false };
}

/// An edge that was followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The node it leads to.
    pub to: i64,
    /// The expanded node it leads from; of several the lowest.
    pub from: i64,
}

/// A node that can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReachedNode {
    /// The node.
    pub id: i64,
    /// Edges on the shortest way from a start, from 1.
    pub depth: u32,
    /// The node before it on such a way.
    pub parent: i64,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// Each node once, nearest first.
    pub nodes: Vec<ReachedNode>,
    /// Whether a limit left something out.
    pub truncated: bool,
}

impl Reached {
    /// The ids of the nodes, nearest first.
    #[must_use]
    pub fn ids(&self) -> Vec<i64> {
        self.nodes.iter().map(|node| node.id).collect()
    }
}

/// A search under way.
#[derive(Debug)]
pub struct Search {
    limits: Limits,
    starts: HashSet<i64>,
    reached: Reached,
    seen: HashSet<i64>,
    /// Edges between a start and the nodes that are expanded now.
    depth: u32,
    /// Nodes of that depth that are still to be expanded.
    level: Vec<i64>,
    /// Nodes one further.
    next_level: Vec<i64>,
}

impl Search {
    /// A search from these nodes.
    #[must_use]
    pub fn new(starts: &[i64], limits: Limits) -> Self {
        let distinct: HashSet<i64> = starts.iter().copied().collect();
        let mut level: Vec<i64> = distinct.iter().copied().collect();
        level.sort_unstable();
        Self {
            limits,
            starts: distinct,
            reached: Reached::default(),
            seen: HashSet::new(),
            depth: 0,
            level,
            next_level: Vec::new(),
        }
    }

    /// The nodes to expand now, at most so many; `None` at the end. Whoever got nodes comes back with
    /// [`Search::absorb`].
    pub fn next(&mut self, most: usize) -> Option<Vec<i64>> {
        if self.level.is_empty() {
            self.level = std::mem::take(&mut self.next_level);
            self.depth += 1;
        }
        // Nodes at the limit are expanded too, until it is known whether anything lies behind them.
        let is_known = self.reached.truncated || (self.is_deep_enough() && !self.limits.looks_behind);
        if self.level.is_empty() || (is_known && self.is_at_its_end()) {
            return None;
        }
        let rest = self.level.split_off(most.clamp(1, self.level.len()));
        Some(std::mem::replace(&mut self.level, rest))
    }

    /// How many steps of one expansion can matter; `None` if all can.
    #[must_use]
    pub fn most_steps(&self) -> Option<usize> {
        self.limits.nodes.map(|nodes| nodes.saturating_add(self.starts.len()).saturating_add(1))
    }

    /// Takes in where the nodes given out last lead.
    pub fn absorb(&mut self, steps: impl IntoIterator<Item = Step>) {
        for step in steps {
            if self.seen.contains(&step.to) {
                continue;
            }
            if self.is_at_its_end() {
                self.reached.truncated = true;
                return;
            }
            self.seen.insert(step.to);
            self.reached.nodes.push(ReachedNode { id: step.to, depth: self.depth + 1, parent: step.from });
            if !self.starts.contains(&step.to) {
                self.next_level.push(step.to);
            }
        }
    }

    /// What was reached after the first so many.
    #[must_use]
    pub fn reached_since(&self, known: usize) -> &[ReachedNode] {
        self.reached.nodes.get(known..).unwrap_or_default()
    }

    /// What was found.
    #[must_use]
    pub fn end(self) -> Reached {
        self.reached
    }

    fn is_deep_enough(&self) -> bool {
        self.limits.depth.is_some_and(|depth| self.depth >= depth)
    }

    fn is_at_its_end(&self) -> bool {
        self.is_deep_enough() || self.limits.nodes.is_some_and(|nodes| self.reached.nodes.len() >= nodes)
    }
}

#[cfg(test)]
mod tests;
