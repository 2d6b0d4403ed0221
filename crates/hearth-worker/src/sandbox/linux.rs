//! Linux namespaces, through the spawner: one task speaks to it, everybody else to the task.
//!
//! When the spawner dies its sandboxes die with it: every one is told as ended, and a new spawner is launched.
//!
//! Never: waits for the spawner while a lock is held; loses a kill; tells an end twice.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hearth_sandbox::Connection;
use hearth_sandbox::api::{
    Command, Event, SandboxId, SandboxSpec, StartFailure, UnpackError, UnpackSpec, Unpacked,
};
use hearth_world::{Stop, TaskGroup, TaskKind};
use tokio::io::unix::AsyncFd;
use tokio::sync::{Notify, oneshot};
use tracing::{error, info_span, warn};

use super::{Channel, Ended, Running, Sandbox, SandboxError};
use crate::worker::BoxFuture;

/// Starts and archives that wait for the spawner at most; further ones are refused.
const ORDERS_MAX: usize = 4096;
/// Before the second attempt to launch a spawner; doubled each time.
const RELAUNCH_FIRST: Duration = Duration::from_millis(50);
/// Between attempts at most.
const RELAUNCH_LAST: Duration = Duration::from_secs(10);

/// Launches another spawner when one died. Blocks.
pub type Launcher = Arc<dyn Fn() -> Result<Connection, String> + Send + Sync>;

/// See the module.
#[derive(Debug)]
pub struct LinuxSandbox {
    orders: Arc<Orders>,
    next: AtomicU64,
}

#[derive(Debug, Default)]
struct Orders {
    waiting: Mutex<VecDeque<Order>>,
    arrived: Notify,
}

#[derive(Debug)]
enum Order {
    Start(SandboxId, Box<SandboxSpec>, oneshot::Sender<Result<Running, SandboxError>>),
    Unpack(u64, UnpackSpec, Vec<OwnedFd>, oneshot::Sender<Result<Unpacked, UnpackError>>),
    /// Kill, freeze, thaw, limit: answered by nothing.
    Tell(Command),
}

impl LinuxSandbox {
    /// Takes over a spawner that was launched before the runtime started. The task ends, and the spawner with it,
    /// when `group` is told to stop: after the environments were closed.
    pub fn new(connection: Connection, launcher: Launcher, group: &TaskGroup) -> Self {
        let orders = Arc::new(Orders::default());
        let mut line = Line { orders: orders.clone(), pending: Pending::default() };
        group.spawn(TaskKind::Service, info_span!("spawner"), move |stop| async move {
            line.run(connection, launcher, stop).await;
        });
        Self { orders, next: AtomicU64::new(1) }
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

impl Orders {
    fn add(&self, order: Order) -> Result<(), Order> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= ORDERS_MAX && !matches!(order, Order::Tell(_)) {
            return Err(order);
        }
        waiting.push_back(order);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Ends a sandbox that nobody knows of.
    fn end(&self, id: SandboxId) {
        for command in [Command::Kill(id), Command::Forget(id)] {
            self.add(Order::Tell(command)).ok(); // such an order is always taken
        }
    }

    fn take(&self) -> Option<Order> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn put_back(&self, order: Order) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_front(order);
    }
}

/// Ends a sandbox whose maker stopped waiting.
struct Begun<'a> {
    orders: &'a Orders,
    id: Option<SandboxId>,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.orders.end(id);
        }
    }
}

impl Sandbox for LinuxSandbox {
    fn start(&self, spec: SandboxSpec) -> BoxFuture<'_, Result<Running, SandboxError>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let id = SandboxId(self.number());
            if self.orders.add(Order::Start(id, Box::new(spec), answer)).is_err() {
                return Err(SandboxError::Refused(format!("{ORDERS_MAX} sandboxes wait to be made already")));
            }
            let mut begun = Begun { orders: &self.orders, id: Some(id) };
            let running = answered.await.unwrap_or(Err(SandboxError::SpawnerGone));
            begun.id = None;
            running
        })
    }

    fn kill(&self, id: SandboxId) {
        self.orders.add(Order::Tell(Command::Kill(id))).ok(); // such an order is always taken
    }

    fn forget(&self, id: SandboxId) {
        self.orders.add(Order::Tell(Command::Forget(id))).ok();
    }

    fn freeze(&self, id: SandboxId) {
        self.orders.add(Order::Tell(Command::Freeze(id))).ok();
    }

    fn thaw(&self, id: SandboxId) {
        self.orders.add(Order::Tell(Command::Thaw(id))).ok();
    }

    fn limit_cpu(&self, id: SandboxId, microseconds_per_second: u32) {
        self.orders.add(Order::Tell(Command::LimitCpu(id, microseconds_per_second))).ok();
    }

    fn unpack(
        &self,
        archives: Vec<OwnedFd>,
        spec: UnpackSpec,
    ) -> BoxFuture<'_, Result<Unpacked, UnpackError>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            if self.orders.add(Order::Unpack(self.number(), spec, archives, answer)).is_err() {
                return Err(UnpackError::Host(format!("{ORDERS_MAX} orders wait already")));
            }
            answered.await.unwrap_or_else(|_| Err(UnpackError::Host("the spawner died".to_owned())))
        })
    }
}

/// Who waits for what.
#[derive(Debug, Default)]
struct Pending {
    starts: HashMap<SandboxId, oneshot::Sender<Result<Running, SandboxError>>>,
    running: HashMap<SandboxId, oneshot::Sender<Ended>>,
    archives: HashMap<u64, oneshot::Sender<Result<Unpacked, UnpackError>>>,
}

/// The task's own view.
struct Line {
    orders: Arc<Orders>,
    pending: Pending,
}

impl Line {
    async fn run(&mut self, first: Connection, launcher: Launcher, stop: Stop) {
        let mut connection = first;
        loop {
            let ended = match watch(connection) {
                Ok(line) => self.serve(line, &stop).await,
                Err(error) => {
                    error!(%error, "the spawner's socket cannot be watched");
                    None
                }
            };
            if let Some(last) = ended {
                self.end(last).await;
                return;
            }
            warn!("the spawner died; its sandboxes are gone");
            self.pending = Pending::default(); // dropping the senders tells everybody
            match self.relaunch(&launcher, &stop).await {
                Some(new) => connection = new,
                None => return,
            }
        }
    }

    /// Serves until the spawner is gone (`None`) or the group stops.
    async fn serve(&mut self, line: AsyncFd<Connection>, stop: &Stop) -> Option<Connection> {
        loop {
            let blocked = match self.send_all(line.get_ref()) {
                Ok(blocked) => blocked,
                Err(error) => {
                    warn!(%error, "the spawner takes no commands");
                    return None;
                }
            };
            tokio::select! {
                biased;
                ready = line.readable() => {
                    let Ok(mut ready) = ready else { return None };
                    match self.receive_all(line.get_ref()) {
                        Ok(true) => ready.clear_ready(),
                        Ok(false) => return None,
                        Err(error) => {
                            warn!(%error, "the spawner's line is broken");
                            return None;
                        }
                    }
                }
                ready = line.writable(), if blocked => {
                    // What did not fit is tried again above.
                    let Ok(mut ready) = ready else { return None };
                    ready.clear_ready();
                }
                () = self.orders.arrived.notified(), if !blocked => {}
                () = stop.stopped() => return Some(line.into_inner()),
            }
        }
    }

    /// Sends what waits; true when the socket is full.
    fn send_all(&mut self, connection: &Connection) -> io::Result<bool> {
        while let Some(order) = self.orders.take() {
            let sent = match &order {
                Order::Start(id, spec, answer) if !answer.is_closed() => {
                    connection.send(&Command::Start(*id, spec.clone()), &[])
                }
                Order::Start(..) => continue,
                Order::Unpack(number, spec, archives, _) => {
                    let archives: Vec<_> = archives.iter().map(AsFd::as_fd).collect();
                    connection.send(&Command::Unpack(*number, spec.clone()), &archives)
                }
                Order::Tell(command) => connection.send(command, &[]),
            };
            match sent {
                Ok(()) => self.sent(order),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.orders.put_back(order);
                    return Ok(true);
                }
                Err(error) if is_too_large(&error) => refuse(order, &error),
                Err(error) => {
                    self.orders.put_back(order);
                    return Err(error);
                }
            }
        }
        Ok(false)
    }

    fn sent(&mut self, order: Order) {
        match order {
            Order::Start(id, _, answer) => drop(self.pending.starts.insert(id, answer)),
            Order::Unpack(number, _, _, answer) => drop(self.pending.archives.insert(number, answer)),
            Order::Tell(_) => {}
        }
    }

    /// Takes what is there; false when the spawner is gone.
    fn receive_all(&mut self, connection: &Connection) -> io::Result<bool> {
        loop {
            match connection.receive() {
                Ok(Some((event, descriptors))) => self.heard(event, descriptors),
                Ok(None) => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn heard(&mut self, event: Event, descriptors: Vec<OwnedFd>) {
        match event {
            Event::Started { id, memory_stat, timings } => {
                let Some(answer) = self.pending.starts.remove(&id) else { return };
                let (tell, ended) = oneshot::channel();
                let running = running(id, memory_stat, timings, descriptors, ended);
                self.pending.running.insert(id, tell);
                let incomplete = running.is_err();
                // Nobody waits any more, or what came is not what was asked for: it must not stay.
                if answer.send(running).is_err() || incomplete {
                    self.orders.end(id);
                }
            }
            Event::StartFailed { id, failure } => {
                if let Some(answer) = self.pending.starts.remove(&id) {
                    let error = match failure {
                        StartFailure::Execute(number) => SandboxError::Execute(number),
                        StartFailure::Host(reason) => SandboxError::Refused(reason),
                    };
                    answer.send(Err(error)).ok();
                }
            }
            Event::Exited { id, exit, out_of_memory } => {
                if let Some(tell) = self.pending.running.remove(&id) {
                    tell.send(Ended { exit, out_of_memory }).ok();
                }
            }
            Event::NoEgress(reason) => {
                warn!(
                    reason,
                    "functions have no way out to the internet here; --egress off says that this is meant"
                );
            }
            Event::Unpacked(number, result) => {
                if let Some(answer) = self.pending.archives.remove(&number) {
                    answer.send(result).ok();
                }
            }
        }
    }

    async fn relaunch(&mut self, launcher: &Launcher, stop: &Stop) -> Option<Connection> {
        let mut wait = RELAUNCH_FIRST;
        loop {
            let launch = launcher.clone();
            let launched = tokio::task::spawn_blocking(move || launch()).await;
            match launched.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(connection) => return Some(connection),
                Err(reason) => {
                    error!(reason, "no spawner could be launched");
                    while let Some(order) = self.orders.take() {
                        refuse(order, &io::Error::other(format!("no spawner could be launched: {reason}")));
                    }
                }
            }
            stop.or(tokio::time::sleep(wait)).await?;
            wait = (wait * 2).min(RELAUNCH_LAST);
        }
    }

    /// Lets the spawner clean up and end.
    async fn end(&mut self, connection: Connection) {
        let ended = tokio::task::spawn_blocking(move || connection.shutdown()).await;
        if let Ok(Err(error)) = ended {
            warn!(%error, "the spawner did not end well");
        }
        self.pending = Pending::default();
    }
}

/// Registers the line with the runtime. The replacement of `new` is `unsafe`, for it must be promised that the
/// descriptor stays the same; a [`Connection`] owns its socket and never changes it.
#[allow(deprecated, reason = "the promise that the replacement asks for is Connection's own")]
fn watch(connection: Connection) -> io::Result<AsyncFd<Connection>> {
    AsyncFd::new(connection)
}

fn running(
    id: SandboxId,
    memory_stat: std::path::PathBuf,
    timings: Vec<(String, u64)>,
    mut descriptors: Vec<OwnedFd>,
    ended: oneshot::Receiver<Ended>,
) -> Result<Running, SandboxError> {
    // Sockets, then pipes: the output, and the two of the channel.
    let sockets = descriptors.iter().take_while(|fd| rustix::net::getsockname(fd).is_ok()).count();
    let mut pipes = descriptors.split_off(sockets).into_iter();
    let output = pipes.next().ok_or_else(|| SandboxError::Refused("no output pipe came".to_owned()))?;
    let channel = pipes.next().zip(pipes.next()).map(|(sending, receiving)| Channel { sending, receiving });
    Ok(Running { id, sockets: descriptors, output, channel, memory_stat, timings, ended })
}

fn is_too_large(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(code) if code == rustix::io::Errno::MSGSIZE.raw_os_error())
        || error.kind() == io::ErrorKind::InvalidInput
}

fn refuse(order: Order, error: &io::Error) {
    match order {
        Order::Start(_, _, answer) => drop(answer.send(Err(SandboxError::Refused(error.to_string())))),
        Order::Unpack(_, _, _, answer) => drop(answer.send(Err(UnpackError::Host(error.to_string())))),
        Order::Tell(_) => {}
    }
}
