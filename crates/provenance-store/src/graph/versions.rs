//! From versions to artifacts: a walk reaches versions, users ask for artifacts. Pure.

use std::collections::HashMap;

use super::search::ReachedNode;

/// An artifact that a walk reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachedArtifact {
    /// Its id.
    pub artifact_id: String,
    /// Its nearest version; of several equally near the newest node.
    pub nearest: ReachedNode,
    /// How many of its versions were reached.
    pub versions: u32,
}

/// The artifacts of these nodes, each once, nearest first and then by id. `names` are the nodes' artifact ids.
#[must_use]
pub fn by_artifact(nodes: &[ReachedNode], names: HashMap<i64, String>) -> Vec<ReachedArtifact> {
    let mut names = names;
    let mut found: HashMap<String, (ReachedNode, u32)> = HashMap::with_capacity(nodes.len());
    for node in nodes {
        let Some(name) = names.remove(&node.id) else { continue };
        let (nearest, versions) = found.entry(name).or_insert((*node, 0));
        *versions += 1;
        if (node.depth, -node.id) < (nearest.depth, -nearest.id) {
            *nearest = *node;
        }
    }
    let mut artifacts: Vec<ReachedArtifact> = found
        .into_iter()
        .map(|(artifact_id, (nearest, versions))| ReachedArtifact { artifact_id, nearest, versions })
        .collect();
    artifacts.sort_unstable_by(|one, other| one.place().cmp(&other.place()));
    artifacts
}

impl ReachedArtifact {
    /// Where it stands in the list.
    #[must_use]
    pub fn place(&self) -> (u32, &str) {
        (self.nearest.depth, &self.artifact_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_with_several_versions_is_listed_once_at_its_least_depth() {
        let node = |id, depth| ReachedNode { id, depth, parent: 0 };
        let names = [(1, "b"), (2, "a"), (3, "b"), (4, "b"), (5, "c")];
        let names = names.into_iter().map(|(id, name)| (id, name.to_owned())).collect();
        let nodes = [node(5, 1), node(1, 2), node(2, 2), node(3, 2), node(4, 3)];
        let listed: Vec<_> = by_artifact(&nodes, names)
            .into_iter()
            .map(|found| (found.artifact_id, found.nearest.depth, found.nearest.id, found.versions))
            .collect();
        assert_eq!(listed, [("c".to_owned(), 1, 5, 1), ("a".to_owned(), 2, 2, 1), ("b".to_owned(), 2, 3, 3)]);
    }
}
