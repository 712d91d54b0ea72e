//! SQL of reviews. They are asked and closed with the changes of their tasks, any number in one statement.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Jsonb, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::vocabulary::Priority;
use protocol::{ProjectId, TaskId};
use uuid::Uuid;

use super::{Review, ReviewId, ReviewStatus};
use crate::schema::reviews;
use crate::tasks::store::arrays::array_statement;
use crate::tasks::store::json::Json;
use crate::tasks::store::row::{corrupt, count, word};
use crate::tasks::store::text::storable;
use crate::tasks::store::update::signed;

array_statement! {
    /// Questions that are asked. Asked twice, it is the same question.
    InsertReviews<'a> {
        review_id: Text => Cow<'a, str>,
        task_id: SqlUuid => Uuid,
        attempt: Integer => i32,
        project_id: Text => &'a str,
        priority: SmallInt => i16,
        summary: Text => Cow<'a, str>,
        questions: Jsonb => Json<&'a [String]>,
        created_at: Timestamptz => DateTime<Utc>,
    }
    before "INSERT INTO reviews (review_id, task_id, attempt, project_id, priority, summary, questions, status, \
        created_at) SELECT a1, a2, a3, a4, a5, a6, a7, 'pending', a8 FROM ";
    after "AS asked (a1, a2, a3, a4, a5, a6, a7, a8) ON CONFLICT DO NOTHING";
}

array_statement! {
    /// Questions that nobody has to answer any more.
    CloseReviews<'a> {
        review_id: Text => Cow<'a, str>,
        task_id: SqlUuid => Uuid,
        attempt: Integer => i32,
        status: Text => &'static str,
        closed_at: Timestamptz => DateTime<Utc>,
    }
    before "UPDATE reviews SET status = closed.a4, closed_at = closed.a5 FROM ";
    after "AS closed (a1, a2, a3, a4, a5) WHERE reviews.review_id = a1 AND reviews.task_id = a2 \
        AND reviews.attempt = a3 AND reviews.status = 'pending'";
}

/// A question on its way into the table.
#[derive(Debug, Clone)]
pub(crate) struct NewReview {
    pub(crate) review_id: String,
    pub(crate) task_id: TaskId,
    pub(crate) attempt: u32,
    pub(crate) project_id: ProjectId,
    pub(crate) priority: Priority,
    pub(crate) summary: String,
    pub(crate) questions: Vec<String>,
}

/// A question that is closed.
#[derive(Debug, Clone)]
pub(crate) struct ClosedReview {
    pub(crate) review_id: String,
    pub(crate) task_id: TaskId,
    pub(crate) attempt: u32,
    pub(crate) status: ReviewStatus,
}

/// Stores questions.
pub(crate) async fn insert_reviews(
    mut conn: &AsyncPgConnection,
    asked: &[NewReview],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    if asked.is_empty() {
        return Ok(());
    }
    let mut statement = InsertReviews::default();
    for review in asked {
        statement.review_id.push(storable(&review.review_id));
        statement.task_id.push(review.task_id.as_uuid());
        statement.attempt.push(signed(review.attempt));
        statement.project_id.push(review.project_id.as_str());
        statement.priority.push(review.priority.rank());
        statement.summary.push(storable(&review.summary));
        statement.questions.push(Json(&review.questions));
        statement.created_at.push(now);
    }
    statement.execute(&mut conn).await.map(|_| ())
}

/// Closes questions; those that are closed already stay as they are.
pub(crate) async fn close_reviews(
    mut conn: &AsyncPgConnection,
    closed: &[ClosedReview],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    if closed.is_empty() {
        return Ok(());
    }
    let mut statement = CloseReviews::default();
    for review in closed {
        statement.review_id.push(storable(&review.review_id));
        statement.task_id.push(review.task_id.as_uuid());
        statement.attempt.push(signed(review.attempt));
        statement.status.push(review.status.as_str());
        statement.closed_at.push(now);
    }
    statement.execute(&mut conn).await.map(|_| ())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = reviews, check_for_backend(diesel::pg::Pg))]
struct ReviewRow {
    review_id: String,
    task_id: Uuid,
    attempt: i32,
    project_id: String,
    priority: i16,
    summary: String,
    questions: Json<Vec<String>>,
    status: String,
    created_at: DateTime<Utc>,
}

impl TryFrom<ReviewRow> for Review {
    type Error = diesel::result::Error;

    fn try_from(row: ReviewRow) -> QueryResult<Self> {
        Ok(Self {
            id: row.review_id.parse().map_err(|error| corrupt("review_id", error))?,
            task_id: TaskId(row.task_id),
            project_id: ProjectId::new(row.project_id).map_err(|error| corrupt("project_id", error))?,
            attempt: count("attempt", row.attempt)?,
            priority: Priority::from_rank(row.priority),
            summary: row.summary,
            questions: row.questions.0,
            status: word("status", &row.status)?,
            created_at: row.created_at.into(),
        })
    }
}

/// The review of that id; of several the one that waits for an answer, else the newest.
pub(super) async fn find_review(conn: &mut AsyncPgConnection, id: &ReviewId) -> QueryResult<Option<Review>> {
    let row: Option<ReviewRow> = reviews::table
        .filter(reviews::review_id.eq(id.as_str()))
        .order((reviews::closed_at.is_null().desc(), reviews::created_at.desc()))
        .select(ReviewRow::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(Review::try_from).transpose()
}

/// Which pending reviews.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReviewFilter {
    /// Of this project.
    pub project_id: Option<ProjectId>,
    /// Of one of these projects; of any when absent.
    pub within: Option<Vec<ProjectId>>,
    /// Of this urgency.
    pub priority: Option<Priority>,
}

type Pending<'a> = reviews::BoxedQuery<'a, diesel::pg::Pg>;

fn pending(filter: &ReviewFilter) -> Pending<'_> {
    // As a literal, so that the partial index made for this query is recognised in a prepared statement.
    let mut query =
        reviews::table.filter(diesel::dsl::sql::<diesel::sql_types::Bool>("status = 'pending'")).into_boxed();
    if let Some(project) = &filter.project_id {
        query = query.filter(reviews::project_id.eq(project.as_str()));
    }
    if let Some(projects) = &filter.within {
        query = query.filter(reviews::project_id.eq_any(projects.iter().map(ProjectId::as_str)));
    }
    if let Some(priority) = filter.priority {
        query = query.filter(reviews::priority.eq(priority.rank()));
    }
    query
}

/// Pending reviews, the most urgent first, then the oldest.
pub(super) async fn list_pending(
    conn: &mut AsyncPgConnection,
    filter: &ReviewFilter,
    limit: i64,
    offset: i64,
) -> QueryResult<Vec<Review>> {
    let rows: Vec<ReviewRow> = pending(filter)
        .order((reviews::priority.desc(), reviews::created_at, reviews::review_id))
        .limit(limit)
        .offset(offset)
        .select(ReviewRow::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(Review::try_from).collect()
}

/// How many there are.
pub(super) async fn count_pending(conn: &mut AsyncPgConnection, filter: &ReviewFilter) -> QueryResult<i64> {
    pending(filter).count().get_result(conn).await
}
