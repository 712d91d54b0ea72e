//! SQL of API keys.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::ProjectId;
use uuid::Uuid;

use super::caller::{KeyId, Scope};
use super::keyring::{NewKey, StoredKey};
use super::secret::KeyDigest;
use crate::schema::api_keys;
use crate::tasks::store::row::corrupt;

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys, check_for_backend(diesel::pg::Pg))]
struct KeyRow {
    key_id: Uuid,
    name: String,
    scopes: Vec<String>,
    projects: Option<Vec<String>>,
    created_by: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl TryFrom<KeyRow> for StoredKey {
    type Error = diesel::result::Error;

    fn try_from(row: KeyRow) -> QueryResult<Self> {
        let scopes: Result<Vec<Scope>, _> = row.scopes.iter().map(|word| word.parse()).collect();
        let projects: Option<Result<Vec<ProjectId>, _>> =
            row.projects.map(|ids| ids.into_iter().map(ProjectId::new).collect());
        Ok(Self {
            key_id: KeyId(row.key_id),
            name: row.name,
            scopes: scopes.map_err(|error| corrupt("scopes", error))?,
            projects: projects.transpose().map_err(|error| corrupt("projects", error))?,
            created_by: row.created_by,
            created_at: row.created_at.into(),
            expires_at: row.expires_at.map(Into::into),
            revoked_at: row.revoked_at.map(Into::into),
        })
    }
}

/// Stores a key; one of that id gets the new digest.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    key_id: KeyId,
    digest: &KeyDigest,
    new: &NewKey,
    now: DateTime<Utc>,
) -> QueryResult<StoredKey> {
    let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.as_str()).collect();
    let projects: Option<Vec<&str>> =
        new.projects.as_ref().map(|ids| ids.iter().map(ProjectId::as_str).collect());
    diesel::insert_into(api_keys::table)
        .values((
            api_keys::key_id.eq(key_id.0),
            api_keys::name.eq(&new.name),
            api_keys::digest.eq(digest.as_bytes()),
            api_keys::scopes.eq(scopes),
            api_keys::projects.eq(projects),
            api_keys::created_by.eq(&new.created_by),
            api_keys::created_at.eq(now),
            api_keys::expires_at.eq(new.expires_at.map(protocol::Timestamp::to_utc)),
        ))
        .on_conflict(api_keys::key_id)
        .do_update()
        .set(api_keys::digest.eq(digest.as_bytes()))
        .returning(KeyRow::as_returning())
        .get_result(conn)
        .await?
        .try_into()
}

/// The key of that digest.
pub(super) async fn find(conn: &mut AsyncPgConnection, digest: &KeyDigest) -> QueryResult<Option<StoredKey>> {
    let row: Option<KeyRow> = api_keys::table
        .filter(api_keys::digest.eq(digest.as_bytes()))
        .select(KeyRow::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(StoredKey::try_from).transpose()
}

/// All keys, newest first, the revoked ones too.
pub(super) async fn list(
    conn: &mut AsyncPgConnection,
    limit: i64,
    offset: i64,
) -> QueryResult<Vec<StoredKey>> {
    let rows: Vec<KeyRow> = api_keys::table
        .order((api_keys::created_at.desc(), api_keys::key_id))
        .limit(limit)
        .offset(offset)
        .select(KeyRow::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(StoredKey::try_from).collect()
}

/// How many there are.
pub(super) async fn count(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    api_keys::table.count().get_result(conn).await
}

/// Makes a key useless for good; whether there is one of that id. The time of the first revocation stays.
pub(super) async fn revoke(
    conn: &mut AsyncPgConnection,
    key_id: KeyId,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    use diesel::dsl::sql;
    use diesel::sql_types::{Nullable, Timestamptz};
    let first = sql::<Nullable<Timestamptz>>("coalesce(revoked_at, ").bind::<Timestamptz, _>(now).sql(")");
    let changed = diesel::update(api_keys::table.find(key_id.0)).set(api_keys::revoked_at.eq(first));
    Ok(changed.execute(conn).await? > 0)
}
