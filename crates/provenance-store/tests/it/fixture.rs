//! A migrated database, and the ways in and out that the tests need.

use messaging::OutboxEntry;
use protocol::Event;
use protocol::provenance_query::RecordView;
use provenance_store::MIGRATIONS;
use provenance_store::cascade::{self, Applied, apply_order};
use provenance_store::costs::PriceList;
use provenance_store::policy::Policy;
use provenance_store::queries::{Unanswered, get_record};
use provenance_store::records::translation::translate;
use provenance_store::records::{Heard, apply_batch};
use service_runtime::database::{self, DatabaseSettings, Pool, PooledConnection};
use test_support::TestDatabase;

use crate::events::at;

/// A database of one's own with the service's tables.
pub(crate) struct Store {
    pub(crate) database: TestDatabase,
    pub(crate) pool: Pool,
    pub(crate) prices: PriceList,
}

impl Store {
    pub(crate) async fn create(hint: &str) -> Self {
        let database = TestDatabase::create(hint).await;
        let settings = DatabaseSettings::new(database.url());
        database::migrate(&settings, &MIGRATIONS).await.unwrap();
        let pool = database::connect(&settings).unwrap();
        Self { database, pool, prices: PriceList::default() }
    }

    pub(crate) async fn connection(&self) -> PooledConnection {
        self.pool.get().await.unwrap()
    }

    /// Applies a batch of events; returns what follows from them.
    pub(crate) async fn apply(&self, events: impl IntoIterator<Item = Event>) -> Vec<OutboxEntry> {
        let heard =
            events.into_iter().map(|event| Heard { told: translate(&event).unwrap(), event }).collect();
        apply_batch(&mut *self.connection().await, heard, Policy::default(), &self.prices, at(1_000).to_utc())
            .await
            .unwrap()
    }

    /// Follows an order about marks; returns what follows from it.
    pub(crate) async fn order(&self, event: Event) -> Vec<OutboxEntry> {
        let order = cascade::order(&event).unwrap().unwrap();
        let mut connection = self.connection().await;
        let now = event.time.to_utc();
        match apply_order(&mut connection, &event, &order, Policy::default(), now).await.unwrap() {
            Applied::Done(follow) => follow,
            Applied::Unknown => panic!("nothing of that id"),
        }
    }

    /// The record by any of its ids.
    pub(crate) async fn record(&self, id: impl ToString) -> RecordView {
        get_record(&mut *self.connection().await, &id.to_string()).await.unwrap()
    }

    /// Whether there is no record by that id.
    pub(crate) async fn has_no_record(&self, id: impl ToString) -> bool {
        let found = get_record(&mut *self.connection().await, &id.to_string()).await;
        matches!(found, Err(Unanswered::NotFound(_)))
    }

    /// Lines of text that a query gives.
    pub(crate) async fn lines(&self, sql: &str) -> Vec<String> {
        let rows = self.database.client().await.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}
