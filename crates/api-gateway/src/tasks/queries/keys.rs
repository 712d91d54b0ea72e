//! The keys of the tasks that a list shows, found before any of their rows is read: the indexes have the order of lists and
//! what they are filtered by, so that what a filter refuses costs an entry of an index and no row.

use chrono::{DateTime, Utc};
use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::page::{PageKey, PageStart};

/// A condition on any table that has what its text names.
macro_rules! condition {
    ($name:ty) => {
        impl Expression for $name {
            type SqlType = Bool;
        }

        impl ValidGrouping<()> for $name {
            type IsAggregate = is_aggregate::No;
        }

        impl<Tables> AppearsOnTable<Tables> for $name {}

        impl QueryId for $name {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
    };
}

/// Which of the keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyRange {
    /// Where they start.
    pub(super) start: PageStart,
    /// Most keys.
    pub(super) limit: i64,
}

impl KeyRange {
    /// Keys that are passed over.
    pub(super) fn offset(&self) -> i64 {
        match self.start {
            PageStart::Offset(offset) => i64::from(offset),
            PageStart::After(_) => 0,
        }
    }

    /// The condition that leaves out what comes up to the start.
    pub(super) fn after(&self) -> Option<After> {
        match self.start {
            PageStart::Offset(_) => None,
            PageStart::After(key) => Some(After(key)),
        }
    }
}

/// Whether a row comes after a place, newest first. It compares rows, which is one range of an index; its expansion with
/// OR is not.
#[derive(Debug, Clone, Copy)]
pub(super) struct After(PageKey);

impl QueryFragment<Pg> for After {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let PageKey { created_at, task_id } = &self.0;
        out.push_sql("(created_at, task_id) < (");
        out.push_bind_param::<Timestamptz, DateTime<Utc>>(created_at)?;
        out.push_sql(", ");
        out.push_bind_param::<SqlUuid, Uuid>(&task_id.0)?;
        out.push_sql(")");
        Ok(())
    }
}

condition!(After);

/// A query that gives the ids of tasks, newest first.
pub(super) struct Keys<'a>(Box<dyn QueryFragment<Pg> + Send + 'a>);

impl<'a> Keys<'a> {
    pub(super) fn new(query: impl Query<SqlType = SqlUuid> + QueryFragment<Pg> + Send + 'a) -> Self {
        Self(Box::new(query))
    }
}

/// Whether a task is one of these.
pub(super) struct IsOneOf<'a>(pub(super) Keys<'a>);

impl QueryFragment<Pg> for IsOneOf<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("task_id IN (");
        self.0.0.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

condition!(IsOneOf<'_>);

/// How many there are.
pub(super) struct Count<'a>(pub(super) Keys<'a>);

impl QueryFragment<Pg> for Count<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT count(*) FROM (");
        self.0.0.walk_ast(out.reborrow())?;
        out.push_sql(") AS keys");
        Ok(())
    }
}

impl QueryId for Count<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Count<'_> {
    type SqlType = BigInt;
}
