//! TLS to the broker. The authority's file is checked here first: amqprs would panic on a certificate it cannot use.

use amqprs::tls::TlsAdaptor;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::BrokerError;
use crate::settings::{Endpoint, TlsSettings};

pub(super) fn adaptor(settings: &TlsSettings, endpoint: &Endpoint) -> Result<TlsAdaptor, BrokerError> {
    // An error means that the process has chosen its cryptography already, which is just as well.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let ca_file = settings.ca_file.as_deref();
    let unusable = |reason: String| BrokerError::Tls {
        file: ca_file.map(|path| path.display().to_string()).unwrap_or_default(),
        reason,
    };
    if let Some(path) = ca_file {
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))? {
            let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
            store.add(certificate).map_err(|error| unusable(error.to_string()))?;
        }
        if store.is_empty() {
            return Err(unusable("no certificate in it".to_owned()));
        }
    }
    let name = settings.server_name.clone().unwrap_or_else(|| endpoint.host.clone());
    TlsAdaptor::without_client_auth(ca_file, name).map_err(|error| unusable(error.to_string()))
}
