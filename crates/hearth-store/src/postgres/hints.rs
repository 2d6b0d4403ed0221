//! Hints of change from server to server: LISTEN and NOTIFY where the server has them, over polling.
//!
//! ```text
//!   commit ─▶ own watches
//!        └──▶ queue ─▶ one NOTIFY for all that waited ─▶ the other servers' watches
//!   every 2 s (100 ms without LISTEN): have others committed? ─▶ all watches
//! ```
//!
//! Never: holds up a commit; says more than that something may have changed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use tokio::sync::mpsc;

use super::session::{Session, Trouble};
use crate::transaction::Written;
use crate::watches::Watches;

/// Commits that wait to be told of; further ones are told as a change of anything.
const QUEUE_MAX: usize = 256;

/// What a notification may carry: PostgreSQL's limit is 8,000 bytes.
const PAYLOAD_BYTES_MAX: usize = 7_900;

/// Between two notifications.
const PAUSE: Duration = Duration::from_millis(2);

/// Between two looks at what others committed, when a notification may have been lost.
const POLL_LISTENING: Duration = Duration::from_secs(2);

/// The same where notifications do not exist, or the connection is gone.
const POLL: Duration = Duration::from_millis(100);

/// Between two attempts to connect.
const RECONNECT: Duration = Duration::from_secs(1);

/// Stands for any key.
const ANYTHING: &str = "*";

/// All commits of all other servers, as a number that never stands still when one of them commits.
const OTHERS: &str = "SELECT coalesce(sum(number), 0)::bigint, count(*)
    FROM hearth.commits WHERE NOT starts_with(lane, $1)";

/// The callers' end.
#[derive(Debug)]
pub(super) struct Hints {
    pub(super) watches: Arc<Watches>,
    outgoing: Mutex<Option<mpsc::Sender<Written>>>,
    missed: Arc<AtomicBool>,
}

/// The thread's end.
pub(super) struct Teller {
    session: Session,
    server: String,
    watches: Arc<Watches>,
    incoming: mpsc::Receiver<Written>,
    missed: Arc<AtomicBool>,
    /// Whether to try.
    listen: bool,
    listening: bool,
    others: Option<(i64, i64)>,
}

/// Both ends, for a server of this name.
pub(super) fn hints(session: Session, server: &str, listen: bool) -> (Hints, Teller) {
    let (sender, incoming) = mpsc::channel(QUEUE_MAX);
    let (watches, missed) = (Arc::new(Watches::new()), Arc::new(AtomicBool::new(false)));
    let hints =
        Hints { watches: watches.clone(), outgoing: Mutex::new(Some(sender)), missed: missed.clone() };
    let server = server.to_owned();
    (hints, Teller { session, server, watches, incoming, missed, listen, listening: false, others: None })
}

impl Hints {
    /// Tells of a commit, here at once and elsewhere soon.
    pub(super) fn committed(&self, written: Written) {
        if written.is_empty() {
            return;
        }
        self.watches.committed(&written);
        let outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        if outgoing.as_ref().is_some_and(|outgoing| outgoing.try_send(written).is_err()) {
            self.missed.store(true, Ordering::Release);
        }
    }

    /// The thread ends.
    pub(super) fn stop(&self) {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Teller {
    pub(super) fn run(mut self) {
        self.look();
        let mut looked = Instant::now();
        loop {
            if !self.session.is_open() {
                self.session.drop_link();
                self.listening = false;
            }
            let poll = if self.listening { POLL_LISTENING } else { POLL };
            let wait = poll.saturating_sub(looked.elapsed());
            match self.session.listen(wait, self.incoming.recv()) {
                Some(None) => return,
                Some(Some(written)) => self.tell(written),
                None => {}
            }
            self.hear();
            if looked.elapsed() >= poll {
                self.look();
                looked = Instant::now();
            }
        }
    }

    /// Connects and listens.
    fn connect(&mut self) -> Result<(), Trouble> {
        if self.session.is_open() {
            return Ok(());
        }
        self.listening = false;
        self.session.connect()?;
        // What is only a hint need not wait for the disk.
        self.session.step(async |client| client.batch_execute("SET synchronous_commit = off").await)?;
        // Whatever happened meanwhile may concern anybody.
        self.watches.committed(&Written::elsewhere(None));
        if !self.listen {
            return Ok(());
        }
        match self.session.step(async |client| client.batch_execute("LISTEN hearth").await) {
            Ok(()) => self.listening = true,
            Err(Trouble::Refused(why)) => tracing::debug!(why, "hints come by polling"),
            Err(trouble) => return Err(trouble),
        }
        Ok(())
    }

    /// Tells the others of this commit and of all that wait.
    fn tell(&mut self, mut written: Written) {
        while let Ok(more) = self.incoming.try_recv() {
            written.append(more);
        }
        if !self.listening {
            return;
        }
        let anything = self.missed.swap(false, Ordering::AcqRel);
        let keys = written.keys().filter(|_| !anything);
        let payload = format!("{} {}", self.server, keys.and_then(encode).unwrap_or(ANYTHING.to_owned()));
        let told = self
            .session
            .step(async |client| client.execute("SELECT pg_notify('hearth', $1)", &[&payload]).await);
        if let Err(trouble) = told {
            tracing::debug!(why = trouble.text(), "a hint to other servers is lost");
        }
        self.session.pause(PAUSE);
    }

    /// Passes on what others told.
    fn hear(&mut self) {
        for message in self.session.take_inbox() {
            if let Some((server, keys)) = message.split_once(' ')
                && server != self.server
            {
                self.watches.committed(&Written::elsewhere(decode(keys)));
            }
        }
    }

    /// Looks whether others committed.
    fn look(&mut self) {
        if let Err(trouble) = self.connect() {
            tracing::debug!(why = trouble.text(), "no hints from other servers");
            self.session.pause(RECONNECT);
            return;
        }
        let server = self.server.clone();
        let row = self.session.step(async |client| client.query_one(OTHERS, &[&server]).await);
        let Ok(row) = row else { return };
        let others = Some((row.get(0), row.get(1)));
        if self.others != others {
            self.others = others;
            self.watches.committed(&Written::elsewhere(None));
        }
    }
}

fn encode(keys: &[Vec<u8>]) -> Option<String> {
    let distinct: BTreeSet<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let mut text = String::new();
    for key in distinct {
        if !text.is_empty() {
            text.push(' ');
        }
        BASE64_STANDARD_NO_PAD.encode_string(key, &mut text);
        if text.len() > PAYLOAD_BYTES_MAX {
            return None;
        }
    }
    Some(text)
}

/// The keys; `None` is any, and so is what cannot be read.
fn decode(text: &str) -> Option<Vec<Vec<u8>>> {
    text.split(' ').map(|key| BASE64_STANDARD_NO_PAD.decode(key).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_as_they_were_told_and_too_many_are_any() {
        let keys = vec![b"a".to_vec(), vec![0, 0xff], vec![7; 2_048]];
        let told = encode(&keys).expect("few keys fit");
        assert_eq!(decode(&told).map(BTreeSet::from_iter), Some(BTreeSet::from_iter(keys)));
        let many: Vec<Vec<u8>> = (0..5_u8).map(|key| vec![key; 2_048]).collect();
        assert_eq!(encode(&many), None);
        assert_eq!(decode(ANYTHING), None);
    }
}
