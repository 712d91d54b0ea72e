//! TLS for connections that we open: the server's certificate is always verified, against the
//! authorities the machine trusts or against a file given in the settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Why a TLS configuration could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file with the authorities cannot be read, or is not PEM.
    #[error("cannot read certificates from {path}: {problem}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// There is nothing to verify a server with.
    #[error("no certificate authorities found in {0}: name a PEM file in the settings")]
    NoAuthorities(String),
    /// The TLS library refused the configuration.
    #[error("TLS cannot be set up")]
    Refused(#[source] rustls::Error),
}

/// A client configuration that trusts the authorities in `ca_file` (PEM), or those of the machine
/// when there is none.
///
/// # Errors
/// When the file is not readable PEM, or when no authority can be found at all.
pub fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let authorities = match ca_file {
        Some(path) => authorities_in(path)?,
        None => authorities_of_the_machine()?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Refused)?
        .with_root_certificates(authorities)
        .with_no_client_auth())
}

fn authorities_in(path: &Path) -> Result<RootCertStore, TlsError> {
    let unreadable = |problem: String| TlsError::Unreadable { path: path.to_owned(), problem };
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unreadable(error.to_string()))? {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        authorities.add(certificate).map_err(|error| unreadable(error.to_string()))?;
    }
    if authorities.is_empty() {
        return Err(TlsError::NoAuthorities(path.display().to_string()));
    }
    Ok(authorities)
}

fn authorities_of_the_machine() -> Result<RootCertStore, TlsError> {
    let mut authorities = RootCertStore::empty();
    authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if authorities.is_empty() {
        return Err(TlsError::NoAuthorities("the machine's store".to_owned()));
    }
    Ok(authorities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named() {
        let error = client_config(Some(Path::new("/nowhere/ca.pem"))).unwrap_err();
        assert!(error.to_string().starts_with("cannot read certificates from /nowhere/ca.pem"), "{error}");
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let error =
            client_config(Some(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")))).unwrap_err();
        assert!(matches!(error, TlsError::NoAuthorities(_)), "{error}");
    }
}
