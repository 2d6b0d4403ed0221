//! Who is connected, and who has to go when the house is full.
//!
//! ```text
//! admit ─▶ room left ──────────────────────────▶ Guest
//!      └─▶ full: of the host with the most guests, who did nothing for longest leaves ─▶ Guest
//!                 all are waiting for our answers ─▶ None: the newcomer waits
//! sweep ─▶ who takes no answer in time, or has done nothing for IDLE_MAX, leaves
//! ```
//!
//! Never: sends away a guest whose request is being answered.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use hearth_world::Clock;

/// How long a guest may neither ask nor send.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(65);

/// How long one part of an answer may wait for a client that does not read it, beside [`ANSWER_BYTES_PER_SECOND`].
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// Slower clients than this do not get large answers: 128 kbit/s.
const ANSWER_BYTES_PER_SECOND: u64 = 16_384;

/// A full house sends away this part of its guests at once, because each choice looks at all of them.
const SENT_AWAY_SHARE: usize = 64;

// GAP(limits): untaken answers of all guests together are bounded by their number and by each one's limit alone.

/// Answers that a guest may leave untaken, in bytes together, before it has to go: ten of the largest invocations.
/// One answer alone may be as large as it is.
const UNTAKEN_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The same for a function: sixteen connections of one sandbox share the host with all others.
const UNTAKEN_ALONE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// All guests of one listener.
#[derive(Debug)]
pub(super) struct Guests {
    table: Mutex<Table>,
    freed: Notify,
    clock: Clock,
    max: usize,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    seats: HashMap<u64, (Host, Arc<State>)>,
    of_host: HashMap<Host, usize>,
}

/// From where guests come: an IPv4 address, or a /64 network of IPv6, which is one household.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Host(u128);

/// One connection's seat, given back when dropped.
#[derive(Debug)]
pub struct Guest {
    seat: Option<(Arc<Guests>, u64)>,
    state: Arc<State>,
}

/// What one guest does.
#[derive(Debug)]
pub(super) struct State {
    clock: Clock,
    /// When something last went on, in microseconds of the clock.
    moved: AtomicI64,
    /// Requests whose bodies are still coming.
    asking: AtomicUsize,
    /// Requests that are being answered.
    answering: AtomicUsize,
    parts: Mutex<Parts>,
    untaken_bytes_max: u64,
    leave: Notify,
}

/// Answers on their way: until when the client must have taken them; `None` while the answer waits for us.
#[derive(Debug, Default)]
struct Parts {
    next: u64,
    due: BTreeMap<u64, Option<i64>>,
    untaken_bytes: u64,
}

/// One answer on its way.
#[derive(Debug)]
pub(super) struct Part {
    state: Arc<State>,
    id: u64,
    bytes: u64,
}

/// One request, from its head to its answer.
#[derive(Debug)]
pub(super) struct Talk {
    state: Arc<State>,
    is_asked: AtomicBool,
}

impl Host {
    /// Of an address.
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(u128::from(v4.to_bits())),
            IpAddr::V6(v6) => Self(v6.to_bits() & !u128::from(u64::MAX)),
        }
    }
}

impl Guests {
    /// Room for this many.
    pub(super) fn new(max: usize, clock: Clock) -> Arc<Self> {
        Arc::new(Self { table: Mutex::default(), freed: Notify::new(), clock, max })
    }

    /// A seat, if need be that of another; `None` when everybody is being answered.
    pub(super) fn admit(self: &Arc<Self>, host: Host) -> Option<Guest> {
        let mut table = self.table();
        if table.seats.len() >= self.max && !table.make_room(self.max.div_ceil(SENT_AWAY_SHARE)) {
            return None;
        }
        let state = State::new(self.clock.clone(), UNTAKEN_BYTES_MAX);
        let id = table.next;
        table.next += 1;
        table.seats.insert(id, (host, state.clone()));
        *table.of_host.entry(host).or_default() += 1;
        Some(Guest { seat: Some((self.clone(), id)), state })
    }

    /// Sends somebody away, if there is anybody who is not being answered.
    pub(super) fn make_room(&self) -> bool {
        self.table().make_room(1)
    }

    /// Waits until a seat may be free. For one waiter; cancel-safe.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// Sends everybody away who has kept us waiting for too long.
    pub(super) fn sweep(&self) {
        let now = self.clock.now().as_micros();
        let mut table = self.table();
        let overdue: Vec<u64> =
            table.seats.iter().filter(|(_, (_, state))| state.is_overdue(now)).map(|(id, _)| *id).collect();
        for id in overdue {
            table.send_away(id);
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Frees up to so many seats of one host; `false` when there was none to be freed.
    fn make_room(&mut self, most: usize) -> bool {
        let crowd = |host: &Host| self.of_host.get(host).copied().unwrap_or_default();
        let idle = self.seats.iter().filter(|(_, (_, state))| !state.waits_for_us());
        let mut idle: Vec<_> = idle
            .map(|(id, (host, state))| {
                (Reverse(crowd(host)), *host, state.moved.load(Ordering::Relaxed), *id)
            })
            .collect();
        idle.sort_unstable();
        let host = idle.first().map(|(_, host, ..)| *host);
        let leaving = idle.iter().take_while(|(_, of, ..)| Some(*of) == host).take(most);
        let leaving: Vec<u64> = leaving.map(|(.., id)| *id).collect();
        for id in &leaving {
            self.send_away(*id);
        }
        !leaving.is_empty()
    }

    fn send_away(&mut self, id: u64) {
        if let Some(state) = self.remove(id) {
            state.leave.notify_one();
        }
    }

    fn remove(&mut self, id: u64) -> Option<Arc<State>> {
        let (host, state) = self.seats.remove(&id)?;
        if let Some(count) = self.of_host.get_mut(&host) {
            *count -= 1;
            if *count == 0 {
                self.of_host.remove(&host);
            }
        }
        Some(state)
    }
}

impl Guest {
    /// A guest that no table knows: another bounds its number.
    pub fn alone(clock: Clock) -> Self {
        Self { seat: None, state: State::new(clock, UNTAKEN_ALONE_BYTES_MAX) }
    }

    /// What it does.
    pub(super) fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Waits until the guest has to go. Cancel-safe.
    pub(super) async fn sent_away(&self) {
        self.state.leave.notified().await;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some((guests, id)) = &self.seat {
            guests.table().remove(*id);
            guests.freed.notify_one();
        }
    }
}

impl State {
    fn new(clock: Clock, untaken_bytes_max: u64) -> Arc<Self> {
        let moved = AtomicI64::new(clock.now().as_micros());
        Arc::new(Self {
            clock,
            moved,
            asking: AtomicUsize::new(0),
            answering: AtomicUsize::new(0),
            parts: Mutex::default(),
            untaken_bytes_max,
            leave: Notify::new(),
        })
    }

    /// Something went on.
    pub(super) fn moves(&self) {
        self.moved.store(self.clock.now().as_micros(), Ordering::Relaxed);
    }

    /// A request, whose body is still coming.
    pub(super) fn asks(self: &Arc<Self>) -> Arc<Talk> {
        self.asking.fetch_add(1, Ordering::Relaxed);
        self.moves();
        Arc::new(Talk { state: self.clone(), is_asked: AtomicBool::new(false) })
    }

    /// An answer that the client is to take, of so many bytes at least. Who takes none of many has to go.
    pub(super) fn takes(self: &Arc<Self>, bytes: u64) -> Arc<Part> {
        let mut parts = self.parts();
        let id = parts.next;
        parts.next += 1;
        let before = parts.untaken_bytes;
        parts.untaken_bytes += bytes;
        if before > 0 && parts.untaken_bytes > self.untaken_bytes_max {
            self.leave.notify_one();
        }
        drop(parts);
        let part = Arc::new(Part { state: self.clone(), id, bytes });
        part.is_due(0);
        part
    }

    fn waits_for_us(&self) -> bool {
        self.answering.load(Ordering::Relaxed) > 0 || self.parts().due.values().any(Option::is_none)
    }

    fn is_overdue(&self, now: i64) -> bool {
        let parts = self.parts();
        if parts.due.values().flatten().any(|due| *due <= now) {
            return true;
        }
        let is_silent = parts.due.is_empty()
            && self.asking.load(Ordering::Relaxed) == 0
            && self.answering.load(Ordering::Relaxed) == 0;
        is_silent && now - self.moved.load(Ordering::Relaxed) > micros(IDLE_MAX)
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    /// The client has something to take: so many bytes.
    pub(super) fn is_due(&self, bytes: usize) {
        self.state.moves();
        let slack = Duration::from_secs(bytes as u64 / ANSWER_BYTES_PER_SECOND);
        let due = self.state.clock.now().as_micros() + micros(ANSWER_TIME_MAX + slack);
        self.state.parts().due.insert(self.id, Some(due));
    }

    /// The client waits for us.
    pub(super) fn waits_for_us(&self) {
        self.state.parts().due.insert(self.id, None);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut parts = self.state.parts();
        parts.due.remove(&self.id);
        parts.untaken_bytes -= self.bytes;
        drop(parts);
        self.state.moves();
    }
}

impl Talk {
    /// More of the request came.
    pub(super) fn moves(&self) {
        self.state.moves();
    }

    /// The whole request is here: from now on its sender waits for us.
    pub(super) fn is_asked(&self) {
        if !self.is_asked.swap(true, Ordering::Relaxed) {
            self.state.asking.fetch_sub(1, Ordering::Relaxed);
            self.state.answering.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let is_asked = *self.is_asked.get_mut();
        let count = if is_asked { &self.state.answering } else { &self.state.asking };
        count.fetch_sub(1, Ordering::Relaxed);
        self.state.moves();
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
