//! A connection to one of a name's addresses, checked before it is dialled.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::OutboundError;
use crate::policy::Policy;
use crate::resolve::Resolve;
use crate::url::Destination;

/// Addresses of one name that are tried.
const ATTEMPTS_MAX: usize = 4;

/// Resolves once, checks every address, and connects to a checked one by its number.
pub(crate) async fn connect(
    destination: &Destination,
    policy: &Policy,
    resolver: &dyn Resolve,
    tls: &Arc<ClientConfig>,
) -> Result<Stream, OutboundError> {
    let host = || destination.host.clone();
    let found = resolver.resolve(&destination.host).await;
    let found = found.map_err(|source| OutboundError::Resolve { host: host(), source })?;
    let mut last = None;
    let mut refused = None;
    let addresses = found.into_iter().map(|address| SocketAddr::new(address, destination.port));
    let checked = addresses.filter(|address| match policy.check(*address) {
        Ok(()) => true,
        Err(reason) => {
            refused = Some(reason);
            false
        }
    });
    let checked: Vec<_> = checked.take(ATTEMPTS_MAX).collect();
    for address in checked {
        match dial(address, destination, tls).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(match (last, refused) {
        (Some(source), _) => OutboundError::Connect { host: host(), source },
        (None, Some(source)) => OutboundError::Refused { host: host(), source },
        (None, None) => {
            let source = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
            OutboundError::Resolve { host: host(), source }
        }
    })
}

async fn dial(address: SocketAddr, destination: &Destination, tls: &Arc<ClientConfig>) -> io::Result<Stream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    if !destination.tls {
        return Ok(Stream::Plain(stream));
    }
    let name = ServerName::try_from(destination.host.clone()).map_err(io::Error::other)?;
    let stream = TlsConnector::from(tls.clone()).connect(name, stream).await?;
    Ok(Stream::Tls(Box::new(stream)))
}

/// A connection, with or without TLS.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
