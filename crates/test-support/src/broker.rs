//! A RabbitMQ virtual host for one test, and an outsider's view on it: declare, bind, publish, fetch,
//! count, and cut connections.

mod management;
mod message;
mod session;

use amqprs::channel::{
    BasicGetArguments, ExchangeDeclareArguments, QueueBindArguments, QueueDeclareArguments,
    QueuePurgeArguments,
};
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};
use uuid::Uuid;

use crate::{PATIENCE, Servers, cleanup, names, wait_for};
use management::Management;
pub use message::Message;
use message::arguments_table;
use session::Session;

/// An empty virtual host that lives as long as this value.
pub struct TestBroker {
    vhost: String,
    url: String,
    management: Management,
    management_url: String,
    session: Mutex<Option<Session>>,
}

impl TestBroker {
    /// Creates a virtual host; `hint` becomes part of its name.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub async fn create(hint: &str) -> Self {
        Self::create_on(Servers::find(), hint).await
    }

    /// The same on given servers.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub async fn create_on(servers: &Servers, hint: &str) -> Self {
        static SWEPT: OnceCell<()> = OnceCell::const_new();
        let management = Management::new(&servers.management_url);
        SWEPT.get_or_init(|| management.sweep()).await;
        let vhost = names::fresh(hint);
        management.create_vhost(&vhost).await.expect("RabbitMQ for tests: run `make up`");
        let server = servers.broker_url.rsplit_once('/').map_or(&*servers.broker_url, |(server, _)| server);
        let management_url = servers.management_url.clone();
        let session = Mutex::new(None);
        Self { url: format!("{server}/{vhost}"), vhost, management, management_url, session }
    }

    /// The virtual host as an `amqp://` URL with credentials.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name of the virtual host.
    #[must_use]
    pub fn vhost(&self) -> &str {
        &self.vhost
    }

    /// The answer of the management API to a GET of `path`, which is relative to `/api/`.
    ///
    /// # Panics
    /// When the API does not answer with JSON.
    pub async fn management(&self, path: &str) -> Value {
        self.management.get(path).await.unwrap_or_else(|error| panic!("management API, {path}: {error:#}"))
    }

    /// Closes every connection to the virtual host but our own, and says how many there were. Waits for
    /// the first to show up, since the management API hears of connections a moment later.
    ///
    /// # Panics
    /// When there is none.
    pub async fn close_all_connections(&self) -> usize {
        let names = wait_for("a connection to close", PATIENCE, || async {
            let names = self.management.connections(&self.vhost).await.unwrap_or_default();
            (!names.is_empty()).then_some(names)
        })
        .await;
        for name in &names {
            self.management.close_connection(name).await.expect("close a connection");
        }
        names.len()
    }

    /// How many connections there are besides our own; the management API hears of changes a moment later.
    pub async fn connection_count(&self) -> usize {
        self.management.connections(&self.vhost).await.expect("list connections").len()
    }

    /// Declares a durable exchange of `kind` (`topic`, `direct`, `fanout`).
    pub async fn declare_exchange(&self, name: &str, kind: &str) {
        let arguments = ExchangeDeclareArguments::new(name, kind).durable(true).finish();
        self.run("declare an exchange", async |session| {
            session.channel.exchange_declare(arguments.clone()).await
        })
        .await;
    }

    /// Declares a durable queue; `arguments` is a JSON object of strings, numbers and booleans, or null.
    pub async fn declare_queue(&self, name: &str, arguments: &Value) {
        let arguments =
            QueueDeclareArguments::durable_client_named(name).arguments(arguments_table(arguments)).finish();
        self.run("declare a queue", async |session| {
            session.channel.queue_declare(arguments.clone()).await.map(drop)
        })
        .await;
    }

    /// Binds a queue to an exchange.
    pub async fn bind_queue(&self, queue: &str, exchange: &str, routing_key: &str) {
        let arguments = QueueBindArguments::new(queue, exchange, routing_key);
        self.run("bind a queue", async |session| session.channel.queue_bind(arguments.clone()).await).await;
    }

    /// A new queue that gets a copy of everything published to `exchange` with a key that matches.
    pub async fn tap(&self, exchange: &str, routing_key: &str) -> String {
        let queue = format!("tap.{}", Uuid::now_v7().simple());
        self.declare_queue(&queue, &Value::Null).await;
        self.bind_queue(&queue, exchange, routing_key).await;
        queue
    }

    /// Publishes a message and waits until the broker has confirmed it.
    pub async fn publish(&self, message: Message) {
        self.run("publish", async |session| session.publish(&message).await).await;
    }

    /// Takes the next message from a queue, acknowledged, if there is one.
    pub async fn get_message(&self, queue: &str) -> Option<Message> {
        let arguments = BasicGetArguments::new(queue).no_ack(true).finish();
        let got = self
            .run("get a message", async |session| session.channel.basic_get(arguments.clone()).await)
            .await;
        got.map(Message::from)
    }

    /// Takes the next message from a queue, for which it waits.
    ///
    /// # Panics
    /// When none comes.
    pub async fn next_message(&self, queue: &str) -> Message {
        wait_for(&format!("a message in {queue}"), PATIENCE, || self.get_message(queue)).await
    }

    /// How many messages are ready in a queue; `None` when there is no such queue.
    pub async fn queue_depth(&self, queue: &str) -> Option<u32> {
        self.inspect(queue).await.map(|(messages, _)| messages)
    }

    /// How many consumers a queue has; `None` when there is no such queue.
    pub async fn consumer_count(&self, queue: &str) -> Option<u32> {
        self.inspect(queue).await.map(|(_, consumers)| consumers)
    }

    /// Empties a queue.
    pub async fn purge_queue(&self, queue: &str) {
        let arguments = QueuePurgeArguments::new(queue);
        self.run("purge a queue", async |session| session.channel.queue_purge(arguments.clone()).await).await;
    }

    async fn inspect(&self, queue: &str) -> Option<(u32, u32)> {
        let arguments = QueueDeclareArguments::new(queue).passive(true).finish();
        let mut guard = self.session.lock().await;
        // The broker answers for a missing queue by closing the channel; the session is of no use then. One that was
        // kept may be of no use for other reasons.
        let mut found = None;
        if let Some(session) = guard.take()
            && let Ok(Some(declared)) = session.channel.queue_declare(arguments.clone()).await
        {
            found = Some((session, declared));
        }
        if found.is_none() {
            let session = Session::open(&self.url).await.expect("connect to the test's broker");
            let declared = session.channel.queue_declare(arguments).await.ok().flatten()?;
            found = Some((session, declared));
        }
        let (session, (_, messages, consumers)) = found?;
        *guard = Some(session);
        Some((messages, consumers))
    }

    /// Runs `operation` on a session, and once more on a new one if that fails.
    async fn run<T>(
        &self,
        what: &str,
        operation: impl AsyncFn(&mut Session) -> Result<T, amqprs::error::Error>,
    ) -> T {
        let mut guard = self.session.lock().await;
        if let Some(mut session) = guard.take()
            && let Ok(done) = operation(&mut session).await
        {
            *guard = Some(session);
            return done;
        }
        let mut session = Session::open(&self.url).await.expect("connect to the test's broker");
        let done = operation(&mut session).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        *guard = Some(session);
        done
    }
}

impl Drop for TestBroker {
    fn drop(&mut self) {
        let (vhost, management_url) = (self.vhost.clone(), self.management_url.clone());
        cleanup::finish(format!("delete the virtual host {vhost}"), async move {
            Management::new(&management_url).delete_vhost(&vhost).await
        });
    }
}
