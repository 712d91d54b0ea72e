//! TLS to the broker: its certificate is always verified.

use std::sync::Arc;

use amqprs::tls::TlsAdaptor;

use super::BrokerError;
use crate::settings::{Endpoint, TlsSettings};

pub(super) fn adaptor(settings: &TlsSettings, endpoint: &Endpoint) -> Result<TlsAdaptor, BrokerError> {
    let config = service_runtime::tls::client_config(settings.ca_file.as_deref())?;
    let name = settings.server_name.clone().unwrap_or_else(|| endpoint.host.clone());
    Ok(TlsAdaptor::new(Arc::new(config).into(), name))
}
