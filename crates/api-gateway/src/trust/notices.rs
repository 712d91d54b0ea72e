//! What events tell of artifacts and rollbacks, apart from tasks: noted in the transaction of their batch. How artifacts
//! stand is the provenance-store's to say. What others tell of them is believed until it has answered, where that holds
//! work back, and otherwise not at all.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use messaging::inbox;
use protocol::events::{ArtifactStanding, EventData, RollbackCompleted};
use protocol::{ArtifactId, Event, EventId};

use super::store::rollbacks::mark_carried_out;
use super::store::standings::{Asked, insert_asked, save_standing};

/// What our services tell of is known here before they tell.
const OUR_SERVICES: &str = "/orchestration/";

/// What a stranger tells may be refused by the provenance-store, and is not waited for longer than this.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::hours(1);

/// Something told about artifacts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Notice {
    /// How they stand.
    Standing(ArtifactStanding),
    /// Somebody outside found them wrong.
    Tainted(Asked),
    /// A rollback was carried out, or refused.
    RolledBack(Box<RollbackCompleted>),
    /// What is of no consequence here until the provenance-store tells how things stand.
    Elsewhere,
}

impl Notice {
    /// What the event tells; `None` if it is about something else.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        Some(match &event.data {
            EventData::ArtifactStanding(told) => Self::Standing(told.clone()),
            // Which of them are the newest of a record that is named, only the provenance-store knows.
            EventData::ArtifactTainted(told)
                if told.provenance_id.is_none() && !event.source.starts_with(OUR_SERVICES) =>
            {
                Self::Tainted(Asked {
                    artifacts: told.artifacts().into_iter().map(|name| (name.to_string(), true)).collect(),
                    propagates: told.propagate.unwrap_or(true),
                    ..Asked::default()
                })
            }
            EventData::ArtifactTainted(_)
            | EventData::ArtifactCleared(_)
            | EventData::ProvenanceRecorded(_) => Self::Elsewhere,
            EventData::RollbackCompleted(told) => Self::RolledBack(Box::new(told.clone())),
            _ => return None,
        })
    }
}

/// The notices of a batch.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    list: Vec<(EventId, Notice)>,
}

/// What notices led to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Noted {
    /// Something is tainted no longer: tasks that are held may go on.
    pub(crate) untainted: bool,
    /// Tasks are to run again.
    pub(crate) rolled_back: bool,
}

impl Notices {
    pub(crate) fn add(&mut self, event: EventId, notice: Notice) {
        if notice != Notice::Elsewhere {
            self.list.push((event, notice));
        }
    }

    /// Notes them in the caller's transaction, each event once.
    pub(crate) async fn note(&self, conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> QueryResult<Noted> {
        let mut noted = Noted::default();
        if self.list.is_empty() {
            return Ok(noted);
        }
        // An answer may come before what it answers: that is not to be waited for any more.
        let answered = inbox::claim(conn, &self.answered()).await?;
        let mut new = inbox::claim(conn, &self.counted()).await?;
        new.retain(|event| !answered.contains(event));
        for (event, notice) in &self.list {
            match notice {
                Notice::Standing(told) => noted.untainted |= save_standing(conn, told, now).await?,
                Notice::Tainted(asked) if new.remove(event) => {
                    insert_asked(conn, *event, asked, now + GIVEN_UP_AFTER).await?;
                }
                Notice::RolledBack(told) if new.remove(event) => {
                    noted.rolled_back |= roll_back(conn, told, now).await?;
                }
                Notice::Tainted(_) | Notice::RolledBack(_) | Notice::Elsewhere => {}
            }
        }
        Ok(noted)
    }

    /// The events that the batch answers.
    fn answered(&self) -> Vec<EventId> {
        let answers = self.list.iter().filter_map(|(_, notice)| match notice {
            Notice::Standing(told) => Some(&told.answers),
            Notice::Tainted(_) | Notice::RolledBack(_) | Notice::Elsewhere => None,
        });
        answers.flatten().copied().collect()
    }

    /// The events that count once. How artifacts stand may be told as often as anybody likes.
    fn counted(&self) -> Vec<EventId> {
        let counted = self.list.iter().filter(|(_, notice)| !matches!(notice, Notice::Standing(_)));
        counted.map(|(event, _)| *event).collect()
    }
}

/// What was taken back holds tasks from the moment on at which they are run again.
async fn roll_back(
    conn: &mut AsyncPgConnection,
    told: &RollbackCompleted,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    if told.dry_run || !mark_carried_out(conn, told, now).await? || told.error.is_some() {
        return Ok(false);
    }
    let superseded: HashSet<&ArtifactId> = told.superseded.iter().collect();
    let standing = ArtifactStanding {
        moment: told.moment.unwrap_or_default(),
        tainted: told.artifact_ids.iter().filter(|name| !superseded.contains(name)).cloned().collect(),
        untainted: told.superseded.clone(),
        answers: Vec::new(),
    };
    save_standing(conn, &standing, now).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_strangers_say_of_newest_versions_is_waited_for() {
        let told = |source: &str, members: serde_json::Value| {
            let data: protocol::events::ArtifactTainted = serde_json::from_value(members).unwrap();
            Notice::of(&Event::new(source, Utc::now(), data)).unwrap()
        };
        let named = serde_json::json!({"artifact_ids": ["a", "b"]});
        assert!(matches!(told("/qa", named.clone()), Notice::Tainted(asked) if asked.artifacts.len() == 2));
        assert_eq!(told("/orchestration/api-gateway", named), Notice::Elsewhere);
        let version = serde_json::json!({"artifact_id": "a", "provenance_id": uuid::Uuid::nil()});
        assert_eq!(told("/qa", version), Notice::Elsewhere);
    }
}
