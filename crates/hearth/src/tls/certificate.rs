//! The certificate that is shown now, and where the next one comes from.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context, Result, bail};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use hearth_world::Timestamp;

use super::authority;

/// Where certificates come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Files in PEM: the certificate with those it is signed by, and its private key.
    Files {
        /// The chain, the server's own certificate first.
        certificate: PathBuf,
        /// PKCS #8, PKCS #1 or SEC 1.
        key: PathBuf,
    },
    /// An authority of our own, kept in this folder, for these names and addresses.
    Own {
        /// `data/tls`.
        folder: PathBuf,
        /// Names and addresses as text.
        names: Vec<String>,
    },
}

/// See the module.
#[derive(Debug)]
pub struct Certificate {
    source: Source,
    provider: Arc<CryptoProvider>,
    shown: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads or makes the first one.
    pub fn new(source: Source, now: Timestamp) -> Result<Arc<Self>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let shown = RwLock::new(Arc::new(load(&source, &provider, now)?));
        Ok(Arc::new(Self { source, provider, shown }))
    }

    /// Reads or makes the next one. When it is not usable, the one before stays.
    pub fn renew(&self, now: Timestamp) -> Result<()> {
        let next = Arc::new(load(&self.source, &self.provider, now)?);
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    /// Whether certificates are ours to make.
    pub fn is_own(&self) -> bool {
        matches!(self.source, Source::Own { .. })
    }

    /// How the listener speaks TLS: 1.2 and 1.3, HTTP/2 and HTTP/1.1, sessions resumed by tickets.
    pub fn server(self: &Arc<Self>) -> Result<Arc<ServerConfig>> {
        let builder = ServerConfig::builder_with_provider(self.provider.clone());
        let builder = builder.with_safe_default_protocol_versions().context("choose versions of TLS")?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ticketer = rustls::crypto::ring::Ticketer::new().context("make a key for session tickets")?;
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shown.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn load(source: &Source, provider: &CryptoProvider, now: Timestamp) -> Result<CertifiedKey> {
    let (chain, key) = match source {
        Source::Own { folder, names } => authority::own_certificate(folder, names, now)?,
        Source::Files { certificate, key } => {
            let name = certificate.display();
            let chain = CertificateDer::pem_file_iter(certificate)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .with_context(|| format!("read the certificate in {name}"))?;
            if chain.is_empty() {
                bail!("{name} holds no certificate");
            }
            let read = PrivateKeyDer::from_pem_file(key);
            (chain, read.with_context(|| format!("read the private key in {}", key.display()))?)
        }
    };
    CertifiedKey::from_der(chain, key, provider).context("use the certificate with its private key")
}
