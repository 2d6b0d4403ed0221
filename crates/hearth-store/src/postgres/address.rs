//! Where a PostgreSQL server is, and as whom it is asked.
//!
//! Never: prints the password.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::tls::Tls;

/// How long one address of the server may take to answer a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How long written bytes may stay unacknowledged before the network counts as cut.
const NETWORK_LIMIT: Duration = Duration::from_secs(10);

/// After this much silence the kernel asks whether the other side is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);

/// A PostgreSQL server and its database, as `postgres://USER:PASSWORD@HOST:PORT/DATABASE` names them.
#[derive(Clone)]
pub struct PostgresAddress {
    config: Config,
    tls: Tls,
}

/// Why a text is no address. Says nothing of the text itself: a password may be in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAddress {
    /// Another scheme, or none.
    #[error("a store is postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    Scheme,
    /// The text after the scheme cannot be read.
    #[error("the address of the PostgreSQL server cannot be read: {0}")]
    Unreadable(String),
    /// The address leaves out what has no default.
    #[error("the address of the PostgreSQL server names no {0}")]
    Missing(&'static str),
    /// TLS is asked for in a way that there is none of.
    #[error("sslmode is disable, require or verify-full, and sslrootcert a file beside verify-full")]
    Tls,
}

impl FromStr for PostgresAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(NotAnAddress::Scheme);
        }
        let (text, tls) = tls_of(text)?;
        let mut config: Config = text.parse().map_err(|error| NotAnAddress::Unreadable(chain(&error)))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(NotAnAddress::Missing("host"));
        }
        if config.get_user().is_none() {
            return Err(NotAnAddress::Missing("user"));
        }
        config
            .ssl_mode(if tls == Tls::Off { SslMode::Disable } else { SslMode::Require })
            .application_name("hearth")
            .connect_timeout(CONNECT_LIMIT)
            .tcp_user_timeout(NETWORK_LIMIT)
            .keepalives_idle(KEEPALIVE_IDLE)
            // After a failover the old primary may answer first; it only reads.
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        Ok(Self { config, tls })
    }
}

impl PostgresAddress {
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn tls(&self) -> &Tls {
        &self.tls
    }

    fn database(&self) -> &str {
        self.config.get_dbname().or(self.config.get_user()).unwrap_or_default()
    }
}

/// The address without what it says of TLS, and that. The client library knows fewer modes than libpq.
fn tls_of(text: &str) -> Result<(String, Tls), NotAnAddress> {
    let Some((before, query)) = text.split_once('?') else { return Ok((text.to_owned(), Tls::Off)) };
    let (mut mode, mut file, mut rest) = (None, None, Vec::new());
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        // As the client library reads it: a name in another spelling must not get past.
        match &*percent_decode_str(name).decode_utf8_lossy() {
            "sslmode" => mode = Some(value),
            "sslrootcert" => file = Some(value),
            _ => rest.push(pair),
        }
    }
    let path = file.map(|file| percent_decode_str(file).decode_utf8().map(|path| PathBuf::from(&*path)));
    let path = path.transpose().map_err(|_| NotAnAddress::Tls)?;
    let tls = match (mode, path) {
        (None | Some("disable"), None) => Tls::Off,
        (Some("require"), None) => Tls::Encrypted,
        (Some("verify-full"), path) => Tls::Verified(path),
        _ => return Err(NotAnAddress::Tls),
    };
    let question = if rest.is_empty() { "" } else { "?" };
    Ok((format!("{before}{question}{}", rest.join("&")), tls))
}

/// `user@host:port/database`.
impl fmt::Display for PostgresAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@", self.config.get_user().unwrap_or_default())?;
        let ports = self.config.get_ports();
        for (index, host) in self.config.get_hosts().iter().enumerate() {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            let comma = if index == 0 { "" } else { "," };
            match host {
                Host::Tcp(name) => write!(out, "{comma}{name}:{port}")?,
                #[cfg(unix)]
                Host::Unix(folder) => write!(out, "{comma}{}:{port}", folder.display())?,
            }
        }
        write!(out, "/{}", self.database())
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PostgresAddress({self})")
    }
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let address: PostgresAddress = "postgres://ann:geheim@db.example:6000/hearth".parse().unwrap();
        assert_eq!(address.to_string(), "ann@db.example:6000/hearth");
        assert_eq!(format!("{address:?}"), "PostgresAddress(ann@db.example:6000/hearth)");
        let socket: PostgresAddress = "postgres:///data?host=/run/pg&user=ann".parse().unwrap();
        assert_eq!(socket.to_string(), "ann@/run/pg:5432/data");
    }

    #[test]
    fn what_an_address_says_of_tls_is_what_libpq_means_by_it() {
        for (query, tls) in [
            ("", Tls::Off),
            ("?sslmode=disable", Tls::Off),
            ("?sslmode=require", Tls::Encrypted),
            ("?ssl%6Dode=require", Tls::Encrypted),
            ("?sslmode=verify-full&%73slrootcert=/a", Tls::Verified(Some("/a".into()))),
            ("?connect_timeout=3&sslmode=verify-full", Tls::Verified(None)),
            (
                "?sslmode=verify-full&sslrootcert=/etc/my%20ca.pem",
                Tls::Verified(Some("/etc/my ca.pem".into())),
            ),
        ] {
            let address: PostgresAddress = format!("postgres://ann@db.example/x{query}").parse().unwrap();
            assert_eq!(address.tls(), &tls);
            assert_eq!(address.to_string(), "ann@db.example:5432/x");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        for text in [
            "mysql://ann:geheim@host/x",
            "postgres://ann:geheim@host:port/x",
            "postgres://ann:geheim@host/x?geheim=1",
            "postgres:///x?user=ann",
            "postgres://host/x",
            "postgres://ann:geheim@host/x?sslmode=prefer",
            "postgres://ann:geheim@host/x?%73sl%6dode=prefer",
            "postgres://ann:geheim@host/x?sslmode",
            "postgres://ann:geheim@host/x?sslmode=require&sslrootcert=/a",
            "ann:geheim",
        ] {
            let refused = text.parse::<PostgresAddress>().unwrap_err().to_string();
            assert!(!refused.contains("ann:geheim"), "{refused}");
        }
    }
}
