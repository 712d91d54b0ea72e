//! Taint: everything that was made from a tainted artifact is suspect, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::{Inquiry, NO_PROGRESS, POLL};
use crate::faults::chains::Chain;

impl Inquiry<'_> {
    pub(super) async fn no_dependent_is_missed(&mut self) {
        let started = Instant::now();
        for chain in self.evidence.chains {
            loop {
                let faults = self.wrongly_marked(chain).await;
                if faults.is_empty() {
                    break;
                }
                if started.elapsed() > NO_PROGRESS {
                    self.violations.extend(faults);
                    break;
                }
                tokio::time::sleep(POLL).await;
            }
        }
    }

    async fn wrongly_marked(&self, chain: &Chain) -> Vec<String> {
        let mut faults = Vec::new();
        let suspects = suspects(&chain.tainted, &chain.made_from);
        for task in chain.made_from.keys() {
            let answer = self.client.get(&format!("/provenance/{}", chain.artifacts[task])).await;
            let taint = &answer.json["taint"];
            let is = (taint["is_tainted"] == true, taint["is_suspect"] == true);
            let expected = (*task == chain.tainted, suspects.contains(task.as_str()));
            if answer.status != 200 || is != expected {
                faults.push(format!(
                    "artifact {} of task {task} is (tainted, suspect) {is:?}, not {expected:?}, after {} was \
                     tainted: {}",
                    chain.artifacts[task], chain.tainted, answer.text
                ));
            }
        }
        faults
    }
}

/// Everything that was made from it, directly or not.
fn suspects<'c>(tainted: &'c str, made_from: &'c BTreeMap<String, Vec<String>>) -> BTreeSet<&'c str> {
    let mut suspects: BTreeSet<&str> = BTreeSet::new();
    loop {
        let is_bad = |task: &String| task == tainted || suspects.contains(task.as_str());
        let more: Vec<&str> = made_from
            .iter()
            .filter(|(task, sources)| !suspects.contains(task.as_str()) && sources.iter().any(is_bad))
            .map(|(task, _)| task.as_str())
            .collect();
        if more.is_empty() {
            return suspects;
        }
        suspects.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_from_what_is_made_from_it_is_suspect_and_its_sources_are_not() {
        let made_from = BTreeMap::from(
            [
                ("root", vec![]),
                ("bad", vec!["root"]),
                ("next", vec!["bad"]),
                ("last", vec!["root", "next"]),
                ("other", vec!["root"]),
            ]
            .map(|(task, sources)| (task.to_owned(), sources.into_iter().map(str::to_owned).collect())),
        );
        assert_eq!(suspects("bad", &made_from), BTreeSet::from(["next", "last"]));
        assert_eq!(suspects("other", &made_from), BTreeSet::new());
    }
}
