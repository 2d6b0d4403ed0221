//! Whose certificates are trusted.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Where systems keep all authorities in one file: Debian, Fedora, SUSE, Alpine.
const SYSTEM_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Certificate authorities that servers are verified by.
#[derive(Clone, Debug)]
pub struct Roots(RootCertStore);

/// Why there are no authorities.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// The file is not there, or not PEM.
    #[error("read the certificates in {path}")]
    File {
        /// Which.
        path: String,
        /// What is wrong with it.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// A certificate cannot be an authority's.
    #[error("use the certificate in {path}")]
    Certificate {
        /// Which file.
        path: String,
        /// What is wrong with it.
        #[source]
        source: rustls::Error,
    },
    /// A file without certificates.
    #[error("{0} holds no certificate")]
    Empty(String),
}

impl Roots {
    /// None: every TLS connection fails.
    pub fn none() -> Self {
        Self(RootCertStore::empty())
    }

    /// The system's. A host without any trusts nobody, which the first connection tells.
    pub fn system() -> Self {
        let found = SYSTEM_FILES.iter().map(Path::new).find(|path| path.is_file());
        let certificates = found.and_then(|path| CertificateDer::pem_file_iter(path).ok());
        let mut store = RootCertStore::empty();
        // One that is not readable is left out: the others are still good.
        store.add_parsable_certificates(certificates.into_iter().flatten().flatten());
        Self(store)
    }

    /// These and those of a file in PEM.
    pub fn and_file(mut self, path: &Path) -> Result<Self, RootsError> {
        let name = || path.display().to_string();
        let file = |source| RootsError::File { path: name(), source };
        let certificates = CertificateDer::pem_file_iter(path).map_err(file)?;
        let before = self.0.len();
        for certificate in certificates {
            let added = self.0.add(certificate.map_err(file)?);
            added.map_err(|source| RootsError::Certificate { path: name(), source })?;
        }
        if self.0.len() == before { Err(RootsError::Empty(name())) } else { Ok(self) }
    }

    /// How TLS is spoken: version 1.2 or 1.3, verified, HTTP/1.1.
    pub(crate) fn client(self) -> Arc<ClientConfig> {
        let mut config = self.tls();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    /// TLS 1.2 or 1.3 that believes these authorities, for a protocol other than HTTP.
    pub fn tls(self) -> ClientConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("ring has the suites of TLS 1.2 and 1.3");
        builder.with_root_certificates(self.0).with_no_client_auth()
    }
}
