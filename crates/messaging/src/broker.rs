//! The broker as a service sees it: an address, and supervised sessions that are opened again until told to stop.
//! Every session declares its topology before anything else, so a broker that lost its data is whole again.

mod callbacks;
mod queue_state;
mod reconnect;
mod session;
mod tls;

pub(crate) use callbacks::ChannelEvent;
pub use queue_state::QueueState;
pub(crate) use reconnect::Reconnect;
pub(crate) use session::{Session, Subscription, Take, uncancelled};

use std::sync::Arc;

use amqprs::connection::OpenConnectionArguments;
use protocol::topology::Topology;
use thiserror::Error;

use crate::settings::{BrokerSettings, SettingsError};
use crate::topology::DeclareError;

/// Where the broker is and who we are. Cheap to clone; does no I/O of its own.
#[derive(Clone)]
pub struct Broker {
    inner: Arc<Inner>,
}

struct Inner {
    arguments: OpenConnectionArguments,
    address: String,
    service: String,
}

/// Why a session could not be opened.
#[derive(Debug, Error)]
pub enum BrokerError {
    /// The settings are wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// TLS cannot be set up.
    #[error("events.rabbitmq.tls: {0}")]
    Tls(#[from] service_runtime::tls::TlsError),
    /// The connection was cut during the handshake: amqprs sees no difference between a refused login and a broker
    /// or network that went away.
    #[error(
        "the connection was cut during the handshake ({0}): either user or password are refused, or the broker or \
         the network went away"
    )]
    CutOff(amqprs::error::Error),
    /// No connection.
    #[error("not reachable: {0}")]
    Unreachable(amqprs::error::Error),
    /// The broker knows an object of the topology with other arguments, or we may not declare it.
    #[error("{what} refused by the broker: {code} {reason}")]
    TopologyRefused {
        /// Exchange, queue or binding.
        what: String,
        /// AMQP reply code.
        code: u16,
        /// The broker's words.
        reason: String,
    },
    /// The session was lost while declaring.
    #[error(transparent)]
    Declare(DeclareError),
    /// A step of setting up a session failed.
    #[error("session lost: {0}")]
    Lost(#[from] amqprs::error::Error),
    /// A step took too long.
    #[error("timed out {0}")]
    TimedOut(&'static str),
    /// A step ended without a result.
    #[error("interrupted {0}")]
    Interrupted(&'static str),
}

impl BrokerError {
    fn from_handshake(error: amqprs::error::Error) -> Self {
        let text = error.to_string();
        let hung_up = ["reset by peer", "peer shutdown", "interrupted", "roken pipe"];
        match &error {
            amqprs::error::Error::NetworkError(_) if hung_up.iter().any(|sign| text.contains(sign)) => {
                Self::CutOff(error)
            }
            _ => Self::Unreachable(error),
        }
    }
}

impl Broker {
    /// Checks the settings; `service` names our connections in the broker's lists.
    ///
    /// # Errors
    /// Says which setting is wrong.
    pub fn new(settings: &BrokerSettings, service: &str) -> Result<Self, BrokerError> {
        let endpoint = settings.endpoint()?;
        let mut arguments = OpenConnectionArguments::new(
            &endpoint.host,
            endpoint.port,
            &endpoint.username,
            &endpoint.password,
        );
        arguments.virtual_host(&endpoint.virtual_host).heartbeat(endpoint.heartbeat_seconds);
        if endpoint.tls {
            arguments.tls_adaptor(tls::adaptor(&settings.tls, &endpoint)?);
        }
        let inner = Inner { arguments, address: endpoint.to_string(), service: service.to_owned() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Host, port and virtual host, for people.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.inner.address
    }

    /// One attempt to open a session. Safe to drop at any time: amqprs runs in tasks of its own.
    pub(crate) async fn open(
        &self,
        role: &str,
        topology: &Topology,
        confirms: bool,
    ) -> Result<Session, BrokerError> {
        let name = format!("{} {role}", self.inner.service);
        let mut arguments = self.inner.arguments.clone();
        arguments.connection_name(&name);
        Session::open(name, arguments, topology.clone(), confirms).await
    }
}

#[cfg(test)]
mod tests {
    use protocol::events::EventKind;
    use protocol::topology::{dead_letter_queue, service_queue};
    use serde_json::json;
    use std::time::Duration;

    use test_support::{PATIENCE, Proxy, TestBroker, TlsProxy, TlsStart, wait_until};

    use super::*;

    async fn open(url: &str, topology: &Topology) -> Result<Session, BrokerError> {
        Broker::new(&BrokerSettings::from_url(url), "test").unwrap().open("role", topology, false).await
    }

    #[tokio::test]
    async fn a_wrong_password_is_named_among_the_causes() {
        let server = TestBroker::create("password").await;
        let (login, address) = server.url().rsplit_once('@').unwrap();
        let error = open(&format!("{login}x@{address}"), &Topology::default()).await.err().unwrap();
        assert!(matches!(error, BrokerError::CutOff(_)), "{error}");
        assert!(error.to_string().contains("password"), "{error}");
    }

    #[tokio::test]
    async fn a_broker_that_goes_away_during_the_handshake_is_no_proof_of_a_wrong_password() {
        let server = TestBroker::create("handshake").await;
        let proxy = Proxy::in_front_of(server.url()).await;
        proxy.cut();
        let error = open(&proxy.url(server.url()), &Topology::default()).await.err().unwrap();
        assert!(error.to_string().contains("went away"), "{error}");
    }

    #[tokio::test]
    async fn an_unknown_virtual_host_and_an_absent_broker_say_so() {
        let server = TestBroker::create("vhost").await;
        let error = open(&format!("{}x", server.url()), &Topology::default()).await.err().unwrap();
        assert!(error.to_string().contains("vhost"), "{error}");
        let error = open("amqp://127.0.0.1:1", &Topology::default()).await.err().unwrap();
        assert!(matches!(error, BrokerError::Unreachable(_)), "{error}");
    }

    #[tokio::test]
    async fn a_queue_that_exists_with_other_arguments_is_named() {
        let server = TestBroker::create("conflict").await;
        server.declare_queue(&dead_letter_queue("q"), &json!({ "x-max-length": 3 })).await;
        let error = open(server.url(), &service_queue("q", &[EventKind::TaskStarted])).await.err().unwrap();
        assert!(matches!(&error, BrokerError::TopologyRefused { code: 406, .. }), "{error}");
        assert!(error.to_string().contains("queue q.dead"), "{error}");
    }

    async fn no_connection_is_left(server: &TestBroker) {
        wait_until("no connection to be left", PATIENCE * 2, || async {
            server.connection_count().await == 0
        })
        .await;
    }

    #[tokio::test]
    async fn sessions_that_the_broker_refuses_leave_no_connection_behind() {
        let server = TestBroker::create("refused").await;
        server.declare_queue(&dead_letter_queue("q"), &json!({ "x-max-length": 3 })).await;
        for _ in 0..40 {
            let error =
                open(server.url(), &service_queue("q", &[EventKind::TaskStarted])).await.err().unwrap();
            assert!(matches!(error, BrokerError::TopologyRefused { .. }), "{error}");
        }
        no_connection_is_left(&server).await;
    }

    #[tokio::test]
    async fn a_session_that_is_given_up_while_it_opens_leaves_nothing_behind_and_the_next_one_works() {
        let server = TestBroker::create("givenup").await;
        let proxy = Proxy::in_front_of(server.url()).await;
        // Slow, so that it is given up between all of its steps.
        proxy.slow(2);
        let broker = Broker::new(&BrokerSettings::from_url(&proxy.url(server.url())), "test").unwrap();
        let topology = service_queue("q", &[EventKind::TaskStarted]);
        for milliseconds in (0..200).step_by(5) {
            let opening = broker.open("role", &topology, true);
            let _ = tokio::time::timeout(Duration::from_millis(milliseconds), opening).await;
        }
        no_connection_is_left(&server).await;
        proxy.restore();
        let session = broker.open("role", &topology, true).await.unwrap();
        session.subscribe("q", Take::Prefetch(1)).await.unwrap();
        session.close().await;
        no_connection_is_left(&server).await;
    }

    #[tokio::test]
    async fn tls_works_with_the_authority_in_the_settings_and_not_without() {
        let server = TestBroker::create("tls").await;
        let proxy = TlsProxy::in_front_of(server.url(), TlsStart::AtOnce).await;
        let url = proxy.url(server.url()).replacen("amqp:", "amqps:", 1);
        let mut settings = BrokerSettings::from_url(&url);
        let untrusting = Broker::new(&settings, "test").unwrap();
        let error = untrusting.open("role", &Topology::default(), false).await.err().unwrap();
        assert!(error.to_string().contains("certificate"), "{error}");
        settings.tls.ca_file = Some(proxy.ca_file().to_owned());
        let trusting = Broker::new(&settings, "test").unwrap();
        trusting.open("role", &Topology::default(), false).await.unwrap().close().await;
        settings.tls.ca_file = Some("/nowhere/ca.pem".into());
        let error = Broker::new(&settings, "test").err().unwrap();
        assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    }

    #[tokio::test]
    async fn a_broker_that_never_answers_is_given_up() {
        let server = TestBroker::create("mute").await;
        let proxy = Proxy::in_front_of(server.url()).await;
        proxy.freeze();
        let error = open(&proxy.url(server.url()), &Topology::default()).await.err().unwrap();
        assert!(matches!(error, BrokerError::TimedOut(_)), "{error}");
    }
}
