//! A batch in rounds, in none of which a task id occurs twice: whoever repeats an id finds the task stored already.

use std::collections::HashMap;

use super::Ticket;

/// The tickets of each round with their places in the batch. One round, unless somebody repeats an id.
pub(super) fn rounds(batch: Vec<Ticket>) -> Vec<Vec<(usize, Ticket)>> {
    let mut rounds: Vec<Vec<(usize, Ticket)>> = Vec::new();
    let mut times = HashMap::new();
    for (place, ticket) in batch.into_iter().enumerate() {
        let time = times.entry(ticket.submission.id).and_modify(|time| *time += 1).or_insert(0_usize);
        match rounds.get_mut(*time) {
            Some(round) => round.push((place, ticket)),
            None => rounds.push(vec![(place, ticket)]),
        }
    }
    rounds
}
