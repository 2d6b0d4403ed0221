//! One connection to the server, used by one thread: it is made when it is needed and made again when it was lost.
//!
//! The thread drives the connection itself while it waits for an answer, so nothing runs in between.
//!
//! Never: waits without a limit; repeats anything by itself.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client};

use super::address::{PostgresAddress, chain};
use super::statements::Statements;

/// How long one step may take, which may be a whole batch of statements: the server's own limit comes first.
const STEP_LIMIT: Duration = Duration::from_secs(10);

/// Notifications kept until they are looked at; what is lost is found by the next poll.
const INBOX_MAX: usize = 4_096;

/// Settings of every connection, where the server knows them. Scans never take the way over a whole table: a plan
/// made for an empty table would stay, and under SERIALIZABLE it conflicts with every writer.
const SETTINGS: &str = "SELECT set_config(known.name, wanted.value, false)
    FROM (VALUES ('statement_timeout', '5s'), ('lock_timeout', '5s'), ('jit', 'off'),
                 ('idle_in_transaction_session_timeout', '15s'), ('client_min_messages', 'warning'),
                 ('enable_seqscan', 'off'), ('enable_bitmapscan', 'off')) AS wanted (name, value)
    JOIN pg_catalog.pg_settings AS known ON known.name = wanted.name";

/// Answers wait for the server's own disk.
const DURABLE: &str = "SET synchronous_commit = on";

/// Why a step brought no result.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// The connection is gone, or cannot be made. What was not committed did not happen.
    Lost(String),
    /// Somebody else was faster: the same again may work.
    Conflict(String),
    /// The row that numbers this lane's commits is gone or closed. Nothing happened.
    Closed(String),
    /// The server said no.
    Refused(String),
}

impl Trouble {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Lost(text) | Self::Conflict(text) | Self::Closed(text) | Self::Refused(text) => text,
        }
    }
}

type Messages =
    Box<dyn FnMut(&mut Context<'_>) -> Poll<Option<Result<AsyncMessage, tokio_postgres::Error>>> + Send>;

struct Link {
    client: Client,
    statements: Option<Arc<Statements>>,
    /// The connection itself. Once it has ended it is dropped, which ends every step that waits for an answer.
    messages: Option<Messages>,
    /// Notifications that nobody has looked at yet.
    inbox: Vec<String>,
}

/// See the module.
pub(super) struct Session {
    address: PostgresAddress,
    runtime: Runtime,
    link: Option<Link>,
}

impl Session {
    pub(super) fn new(address: PostgresAddress) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { address, runtime, link: None })
    }

    pub(super) fn is_open(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.messages.is_some() && !link.client.is_closed())
    }

    /// Connects, where there is no connection, without looking at our tables.
    pub(super) fn connect(&mut self) -> Result<(), Trouble> {
        if self.is_open() {
            return Ok(());
        }
        self.link = None;
        let (config, runtime) = (self.address.config(), &self.runtime);
        let tls = self
            .address
            .tls()
            .connector()
            .map_err(|error| Trouble::Lost(self.unreachable(&chain(&error))))?;
        let connecting = async { tokio::time::timeout(STEP_LIMIT, config.connect(tls)).await };
        let (client, mut connection) = match runtime.block_on(connecting) {
            Ok(Ok(made)) => made,
            Ok(Err(error)) => return Err(Trouble::Lost(self.unreachable(&chain(&error)))),
            Err(_) => return Err(Trouble::Lost(self.unreachable("no answer in time"))),
        };
        let messages: Messages = Box::new(move |context| connection.poll_message(context));
        self.link = Some(Link { client, statements: None, messages: Some(messages), inbox: Vec::new() });
        self.step(async |client| {
            client.batch_execute(SETTINGS).await?;
            client.batch_execute(DURABLE).await
        })
    }

    fn unreachable(&self, why: &str) -> String {
        format!("PostgreSQL at {} cannot be reached: {why}", self.address)
    }

    /// Connects and prepares what transactions use. Our tables exist.
    pub(super) fn open(&mut self) -> Result<(), Trouble> {
        self.look();
        self.connect()?;
        if self.link.as_ref().is_some_and(|link| link.statements.is_none()) {
            let statements = self.step(async |client| Statements::prepare(client).await)?;
            if let Some(link) = &mut self.link {
                link.statements = Some(Arc::new(statements));
            }
        }
        Ok(())
    }

    /// Takes in what has come while nobody waited, the end of the connection above all: a commit that is sent on a
    /// connection already gone would be in doubt.
    fn look(&mut self) {
        let link = &mut self.link;
        self.runtime.block_on(async {
            // In between the runtime asks the kernel.
            for _ in 0..2 {
                poll_fn(|context| {
                    if let Some(Link { messages, inbox, .. }) = link {
                        drive(messages, inbox, context);
                    }
                    Poll::Ready(())
                })
                .await;
                tokio::task::yield_now().await;
            }
        });
    }

    /// Forgets the connection: nothing is known of its state.
    pub(super) fn drop_link(&mut self) {
        self.link = None;
    }

    /// Waits, without looking at the connection.
    pub(super) fn pause(&self, duration: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(duration).await });
    }

    /// Waits until the future is done, a notification has come, the connection has ended, or the time is over.
    pub(super) fn listen<T>(&mut self, limit: Duration, until: impl Future<Output = T>) -> Option<T> {
        let link = &mut self.link;
        self.runtime.block_on(async {
            let mut until = pin!(until);
            let driven = poll_fn(|context| {
                if let Some(Link { messages, inbox, .. }) = link {
                    drive(messages, inbox, context);
                    if messages.is_none() || !inbox.is_empty() {
                        return Poll::Ready(None);
                    }
                }
                until.as_mut().poll(context).map(Some)
            });
            tokio::time::timeout(limit, driven).await.ok().flatten()
        })
    }

    /// The notifications that have come.
    pub(super) fn take_inbox(&mut self) -> Vec<String> {
        self.link.as_mut().map(|link| std::mem::take(&mut link.inbox)).unwrap_or_default()
    }

    /// Does one step with the connection's prepared statements.
    pub(super) fn prepared<T>(
        &mut self,
        work: impl AsyncFnOnce(&Client, &Statements) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Trouble> {
        let Some(statements) = self.link.as_ref().and_then(|link| link.statements.clone()) else {
            return Err(Trouble::Lost("the connection to PostgreSQL is gone".to_owned()));
        };
        self.step(async |client| work(client, &statements).await)
    }

    /// Does one step: the work is polled together with the connection that it waits for.
    pub(super) fn step<T>(
        &mut self,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Trouble> {
        let Some(link) = &mut self.link else {
            return Err(Trouble::Lost("the connection to PostgreSQL is gone".to_owned()));
        };
        let Link { client, messages, inbox, .. } = link;
        let result = self.runtime.block_on(async {
            let mut work = pin!(work(client));
            let driven = poll_fn(|context| {
                drive(messages, inbox, context);
                work.as_mut().poll(context)
            });
            tokio::time::timeout(STEP_LIMIT, driven).await
        });
        let trouble = match result {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => classified(&error, messages.is_none() || client.is_closed()),
            Err(_) => Trouble::Lost(format!(
                "PostgreSQL at {} gave no answer in {} s",
                self.address,
                STEP_LIMIT.as_secs()
            )),
        };
        if matches!(trouble, Trouble::Lost(_)) {
            self.link = None;
        }
        Err(trouble)
    }
}

/// Moves the connection on as far as it goes.
fn drive(messages: &mut Option<Messages>, inbox: &mut Vec<String>, context: &mut Context<'_>) {
    while let Some(next) = messages {
        match next(context) {
            Poll::Ready(Some(Ok(AsyncMessage::Notification(message)))) if inbox.len() < INBOX_MAX => {
                inbox.push(message.payload().to_owned());
            }
            Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => {
                tracing::debug!(notice = notice.message(), "PostgreSQL");
            }
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(Some(Err(_)) | None) => *messages = None,
            Poll::Pending => break,
        }
    }
}

fn classified(error: &tokio_postgres::Error, ended: bool) -> Trouble {
    let text = chain(error);
    let Some(code) = error.code() else { return Trouble::Lost(text) };
    let gone = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        // The server became one that only reads: a failover.
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ];
    if ended || gone.contains(code) || code.code().starts_with("08") {
        Trouble::Lost(text)
    } else if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code) {
        Trouble::Conflict(text)
    } else if *code == SqlState::DIVISION_BY_ZERO {
        // See `Statements::mark`.
        Trouble::Closed(text)
    } else {
        Trouble::Refused(text)
    }
}
