//! Why nothing came back.

use std::io;

use crate::policy::Refused;

/// A request that failed. Texts hold no path, query, header or body: those may be secret.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The URL is not one that is dialled.
    #[error("the URL is not usable: {0}")]
    Url(&'static str),
    /// The policy forbids every address of the name.
    #[error("{host} may not be called")]
    Refused {
        /// The name, or the address, of the URL.
        host: String,
        /// Why, for the last address looked at.
        #[source]
        source: Refused,
    },
    /// The name has no address.
    #[error("find the address of {host}")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// No connection, or no TLS session, was made.
    #[error("connect to {host}")]
    Connect {
        /// The name, or the address, of the URL.
        host: String,
        /// What the network, or TLS, said.
        #[source]
        source: io::Error,
    },
    /// The connection broke, or what came is no HTTP.
    #[error("speak HTTP with {host}")]
    Http {
        /// The name, or the address, of the URL.
        host: String,
        /// What HTTP said.
        #[source]
        source: hyper::Error,
    },
    /// More redirects than allowed, or one that leads from HTTPS to HTTP or names no URL.
    #[error("{host} redirects where it is not followed")]
    Redirect {
        /// The name, or the address, that redirected.
        host: String,
    },
    /// The answer's body is longer than allowed.
    #[error("the answer of {host} has more than {limit} bytes")]
    TooLarge {
        /// The name, or the address, of the URL.
        host: String,
        /// In bytes.
        limit: usize,
    },
    /// The time was over.
    #[error("{host} did not answer in time")]
    TimedOut {
        /// The name, or the address, of the URL.
        host: String,
    },
}

impl OutboundError {
    /// Whether the same request may succeed later: the network's fault or the other side's, not the policy's.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Resolve { .. } | Self::Connect { .. } | Self::Http { .. } | Self::TimedOut { .. } => true,
            Self::Url(_) | Self::Refused { .. } | Self::Redirect { .. } | Self::TooLarge { .. } => false,
        }
    }
}
