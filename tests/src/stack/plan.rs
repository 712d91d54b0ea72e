//! What a stack is to be like.

use test_support::Servers;

use super::{Role, Stack};

/// What a stack is to be like.
#[derive(Debug)]
pub struct Plan {
    pub(super) roles: Vec<Role>,
    pub(super) behind_proxies: bool,
    pub(super) own_links: bool,
    pub(super) movable_clocks: bool,
    pub(super) servers: Option<Servers>,
    pub(super) settings: Vec<(Role, String, String)>,
}

impl Plan {
    /// One of each service.
    #[must_use]
    pub fn new() -> Self {
        let roles = vec![Role::Gateway, Role::Routing, Role::Provenance];
        Self {
            roles,
            behind_proxies: false,
            own_links: false,
            movable_clocks: false,
            servers: None,
            settings: Vec::new(),
        }
    }

    /// These processes only.
    #[must_use]
    pub fn of(roles: &[Role]) -> Self {
        Self { roles: roles.to_vec(), ..Self::new() }
    }

    /// The api-gateway alone.
    #[must_use]
    pub fn gateway_only() -> Self {
        Self::of(&[Role::Gateway])
    }

    /// With a second gateway.
    #[must_use]
    pub fn with_second_gateway(mut self) -> Self {
        self.roles.push(Role::SecondGateway);
        self
    }

    /// With proxies before PostgreSQL and RabbitMQ, so that they can be taken away.
    #[must_use]
    pub const fn behind_proxies(mut self) -> Self {
        self.behind_proxies = true;
        self
    }

    /// With proxies of each process's own before PostgreSQL and RabbitMQ.
    #[must_use]
    pub const fn with_own_links(mut self) -> Self {
        self.own_links = true;
        self
    }

    /// With clocks that can be set wrong; only debug builds of the services have such.
    #[must_use]
    pub const fn with_movable_clocks(mut self) -> Self {
        self.movable_clocks = true;
        self
    }

    /// On servers of the test's own.
    #[must_use]
    pub fn on(mut self, servers: &Servers) -> Self {
        self.servers = Some(servers.clone());
        self
    }

    /// With a setting for one process, by its environment name.
    #[must_use]
    pub fn setting(mut self, role: Role, name: &str, value: &str) -> Self {
        self.settings.push((role, name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it and waits until every process is ready.
    pub async fn start(self) -> Stack {
        Stack::start(self).await
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self::new()
    }
}
