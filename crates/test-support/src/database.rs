//! A PostgreSQL database for one test.

use anyhow::Context;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

use crate::{Servers, cleanup, names};

/// An empty database that lives as long as this value.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: String,
    admin_url: String,
}

impl TestDatabase {
    /// Creates a database; `hint` becomes part of its name.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn create(hint: &str) -> Self {
        Self::create_on(Servers::find(), hint).await
    }

    /// The same on given servers.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn create_on(servers: &Servers, hint: &str) -> Self {
        static SWEPT: OnceCell<()> = OnceCell::const_new();
        let admin_url = &servers.database_admin_url;
        let admin = connect(admin_url).await.expect("PostgreSQL for tests: run `make up`");
        SWEPT.get_or_init(|| sweep(&admin)).await;
        let name = names::fresh(hint);
        admin
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))
            .await
            .expect("create a database for the test");
        Self { url: with_database(admin_url, &name), name, admin_url: admin_url.clone() }
    }

    /// The database as a `postgres://` URL with credentials.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name of the database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection of one's own, to look at the tables or to hold locks as an outsider.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn client(&self) -> Client {
        connect(&self.url).await.expect("connect to the test's database")
    }

    /// Ends all other connections to the database, as a restart of the server would.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn close_all_connections(&self) {
        self.client()
            .await
            .execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
                &[&self.name],
            )
            .await
            .expect("end the connections to the test's database");
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (name, admin_url) = (self.name.clone(), self.admin_url.clone());
        cleanup::finish(format!("drop the database {name}"), async move {
            drop_database(&connect(&admin_url).await?, &name).await
        });
    }
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("connect to PostgreSQL")?;
    tokio::spawn(connection);
    Ok(client)
}

async fn drop_database(admin: &Client, name: &str) -> anyhow::Result<()> {
    admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
    Ok(())
}

/// Drops what killed tests left behind. Another process may be doing the same: failures do not matter.
async fn sweep(admin: &Client) {
    let rows = admin.query("SELECT datname FROM pg_database", &[]).await.unwrap_or_default();
    for name in rows.iter().map(|row| row.get::<_, String>(0)).filter(|name| names::is_stale(name)) {
        let _ = drop_database(admin, &name).await;
    }
}

/// The same server and credentials, another database.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let server = base.rsplit_once('/').map_or(base, |(server, _)| server);
    query.map_or_else(|| format!("{server}/{name}"), |query| format!("{server}/{name}?{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_in_the_url_changes() {
        assert_eq!(with_database("postgres://u:p@h:1/postgres", "x"), "postgres://u:p@h:1/x");
        assert_eq!(with_database("postgres://u:p@h:1/postgres?a=b", "x"), "postgres://u:p@h:1/x?a=b");
    }

    #[tokio::test]
    async fn a_database_is_there_while_its_value_lives() {
        let database = TestDatabase::create("lifetime").await;
        database.client().await.batch_execute("CREATE TABLE probe (id int)").await.unwrap();
        let name = database.name().to_owned();
        drop(database);
        let admin = connect(&Servers::find().database_admin_url).await.unwrap();
        let left = admin.query("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await.unwrap();
        assert!(left.is_empty());
    }

    #[tokio::test]
    async fn connections_of_others_can_be_ended() {
        let database = TestDatabase::create("cut").await;
        let client = database.client().await;
        database.close_all_connections().await;
        assert!(client.batch_execute("SELECT 1").await.is_err());
    }
}
