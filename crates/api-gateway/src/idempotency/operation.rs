//! What a keyed request makes, it makes under ids that follow from the request.

use protocol::{EventId, TaskId};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// Names one request however often it is served. Version 7, so that ids that follow from it tell their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OperationId(pub(crate) Uuid);

impl OperationId {
    /// A new one.
    pub(crate) fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id of the event that the request is, where it is one.
    pub(crate) const fn event_id(self) -> EventId {
        EventId(self.0)
    }

    /// The id of the task at this place of the request.
    pub(crate) fn task_id(self, index: usize) -> TaskId {
        let mut hasher = Sha256::new();
        hasher.update(self.0.as_bytes());
        hasher.update((index as u64).to_be_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        let mut random = [0; 10];
        random.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        let millis = (self.0.as_u128() >> 80) as u64;
        TaskId(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn task_ids_follow_from_the_operation_and_the_place_and_keep_its_time() {
        let operation = OperationId::generate();
        assert_eq!(operation.task_id(3), operation.task_id(3));
        assert_ne!(operation.task_id(3), operation.task_id(4));
        assert_ne!(operation.task_id(3), OperationId::generate().task_id(3));
        let id = operation.task_id(0).as_uuid();
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.as_bytes()[..6], operation.0.as_bytes()[..6]);
    }
}
