//! Performs what an environment must wait for: the sandbox, its channel and output, its limits.
//!
//! Never: decides anything; holds the lock across an await.

use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use hearth_sandbox::api::SandboxId;
use hearth_world::TaskGroup;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::sync::oneshot;
use tokio::time::Sleep;
use tracing::{debug, warn};

use super::answers;
use super::calls::Todo;
use super::link::{self, Drained, Link};
use super::shared::Shared;
use super::state::Event;
use super::{Setup, Socket};
use crate::channel::{Frame, take_frame};
use crate::runtime_api;
use crate::sandbox::{Channel, Ended, Running, SandboxError, host_port};
use crate::worker::BoxFuture;

/// Between two turns of reading the output of a function that never stops writing: some 30 MB/s get through.
const FLOOD_PAUSE: Duration = Duration::from_millis(1);
/// Answers to no invocation that runs, one after the other: as if each of all 1,024 processes had sent some. Who sends
/// more sends them for their own sake, and each costs the server time.
const STRAYS_MAX: u32 = 4_096;
/// Until the first look.
const FAR: Duration = Duration::from_secs(3600);

/// The sandbox as the driver waits for it.
struct Present {
    /// Where its runtime's frames come from.
    channel: Option<pipe::Receiver>,
    /// Where events go; the core sends them.
    sending: Option<Arc<pipe::Sender>>,
    output: Option<Arc<pipe::Receiver>>,
    /// The function writes faster than it is read: it is let wait.
    flooded: bool,
    read: BytesMut,
    /// Answers to no invocation that runs, since the last that was to the one that runs.
    strays: u32,
    ended: Option<oneshot::Receiver<Ended>>,
    /// The tasks that serve its sockets.
    serving: TaskGroup,
}

/// What woke the driver.
enum Woken {
    Started(Result<Running, SandboxError>),
    /// So many bytes were read; none, or an error, when it is closed.
    Channel(io::Result<usize>),
    Writable,
    Output,
    /// `None`: with the spawner, and all that it kept.
    Ended(Option<Ended>),
    Asked,
    Tick,
}

pub(super) async fn run(shared: Arc<Shared>, setup: Arc<Setup>) {
    let mut launching: Option<BoxFuture<'_, Result<Running, SandboxError>>> = None;
    let mut present: Option<Present> = None;
    let mut timer = std::pin::pin!(tokio::time::sleep(FAR));
    loop {
        let (todo, stream, before) = take_todo(&shared);
        if todo.closed {
            break;
        }
        if todo.launch {
            end_serving(present.take());
            let spec = setup.spec(&stream.unwrap_or_default(), before);
            launching = spec.map(|spec| setup.sandbox.start(spec));
            if launching.is_none() {
                shared.lock().cannot_execute(setup.entry_error(None));
                continue;
            }
        }
        if todo.cancel {
            if launching.take().is_some() {
                shared.apply(Event::Exited { faulted: false });
                continue;
            }
            // It had begun to run when that was said.
            if let Some(link) = &shared.lock().link {
                setup.sandbox.kill(link.id);
            }
        }
        if todo.arm {
            timer.as_mut().reset(tick(&shared, false).into());
        }
        let mut waiting = present.as_mut().and_then(|present| present.ended.take());
        let writing = present.is_some() && has_outbox(&shared);
        let (reading, sending, output) = present.as_mut().map_or((None, None, None), Present::ends);
        let woken = tokio::select! {
            // Every branch may be dropped: readiness stays, nothing is read unless it is told here, and what is launched
            // is asked again.
            biased;
            taken = channel_read(reading) => Woken::Channel(taken),
            () = channel_writable(sending), if writing => Woken::Writable,
            () = shared.wake.notified() => Woken::Asked,
            ended = ended(&mut waiting) => Woken::Ended(ended),
            () = &mut timer => Woken::Tick,
            started = started(&mut launching) => Woken::Started(started),
            // Last: a function that never stops writing holds nothing else up.
            () = output_ready(output) => Woken::Output,
        };
        if let Some(present) = &mut present {
            present.ended = waiting;
        }
        match woken {
            Woken::Started(Ok(running)) => {
                launching = None;
                present = begin(&shared, &setup, running);
            }
            Woken::Started(Err(SandboxError::Execute(number))) if setup.brings_its_program() => {
                launching = None;
                shared.lock().cannot_execute(setup.entry_error(Some(number)));
            }
            Woken::Started(Err(error)) => {
                launching = None;
                shared.lock().not_started(error.to_string());
            }
            Woken::Channel(taken) => hear(&shared, present.as_mut(), matches!(taken, Ok(1..))),
            Woken::Writable => flush(&shared),
            Woken::Output => drain(&shared, present.as_mut()),
            Woken::Ended(ended) => over(&shared, present.take(), ended),
            Woken::Asked | Woken::Tick => {}
        }
        look_if_due(&shared, timer.as_mut());
    }
    end_serving(present);
}

/// The sandbox is gone. An environment that goes on without processes holds nothing else either.
fn over(shared: &Shared, mut present: Option<Present>, ended: Option<Ended>) {
    // What it said last may have come before the reactor saw it.
    if let Some(Present { channel: Some(channel), read, .. }) = &mut present {
        let open = link::read_rest(channel, read).unwrap_or(false);
        hear(shared, present.as_mut(), open);
    }
    match ended {
        Some(ended) => shared.lock().exited(ended),
        None => shared.lock().lost(),
    }
    end_serving(present);
}

/// What is to be done; for a launch, the log stream and the sandbox whose `/tmp` it takes over.
fn take_todo(shared: &Shared) -> (Todo, Option<String>, Option<SandboxId>) {
    let mut core = shared.lock();
    let todo = std::mem::take(&mut core.todo);
    (todo, todo.launch.then(|| core.journal.stream().to_owned()), core.home)
}

fn end_serving(present: Option<Present>) {
    if let Some(present) = present {
        present.serving.stop();
    }
}

/// Takes over a sandbox that runs.
fn begin(shared: &Arc<Shared>, setup: &Arc<Setup>, running: Running) -> Option<Present> {
    let id = running.id;
    match adopt(shared, setup, running) {
        Ok(present) => Some(present),
        Err(error) => {
            setup.sandbox.kill(id);
            shared.lock().not_started(format!("its descriptors cannot be watched: {error}"));
            None
        }
    }
}

fn adopt(shared: &Arc<Shared>, setup: &Arc<Setup>, running: Running) -> io::Result<Present> {
    let Running { id, sockets, output, channel, memory_stat, timings, ended } = running;
    rustix::io::ioctl_fionbio(&output, true)?;
    let output = Arc::new(pipe::Receiver::from_owned_fd(output)?);
    let (sending, channel) = match channel {
        Some(Channel { sending, receiving }) => {
            rustix::io::ioctl_fionbio(&sending, true)?;
            rustix::io::ioctl_fionbio(&receiving, true)?;
            (
                Some(Arc::new(pipe::Sender::from_owned_fd(sending)?)),
                Some(pipe::Receiver::from_owned_fd(receiving)?),
            )
        }
        None => (None, None),
    };
    let serving = TaskGroup::new();
    for ((socket, _), descriptor) in super::sockets(&setup.endpoint_ports, &setup.host_ports).zip(sockets) {
        match socket {
            Socket::RuntimeApi => runtime_api::serve(descriptor, shared.clone(), &serving)?,
            Socket::Endpoint => {
                runtime_api::serve_endpoint(
                    descriptor,
                    setup.endpoint.clone(),
                    setup.revision.clone(),
                    &serving,
                )?;
            }
            Socket::Host(port) => host_port::serve(descriptor, port, &serving)?,
            Socket::XRay => runtime_api::drain_datagrams(descriptor, &serving)?,
        }
    }
    debug!(?timings, "a sandbox was started");
    let mut core = shared.lock();
    core.home = Some(id);
    core.memory.watch(&memory_stat);
    core.link = Some(Link::new(id, sending.clone(), output.clone()));
    core.init_cpu_since = Some(Instant::now());
    drop(core);
    Ok(Present {
        channel,
        sending,
        output: Some(output),
        flooded: false,
        read: BytesMut::new(),
        strays: 0,
        ended: Some(ended),
        serving,
    })
}

async fn started(
    launching: &mut Option<BoxFuture<'_, Result<Running, SandboxError>>>,
) -> Result<Running, SandboxError> {
    match launching {
        Some(launching) => launching.await,
        None => pending().await,
    }
}

impl Present {
    /// Where its frames are read and to, where events go, and its output, with whether that floods.
    fn ends(&mut self) -> (Option<Reading<'_>>, Option<&pipe::Sender>, Option<(&pipe::Receiver, bool)>) {
        let reading = self.channel.as_mut().map(|channel| (channel, &mut self.read));
        (reading, self.sending.as_deref(), self.output.as_deref().map(|output| (output, self.flooded)))
    }
}

type Reading<'p> = (&'p mut pipe::Receiver, &'p mut BytesMut);

/// Reads what is there. A read that does not fill its buffer has emptied the pipe, so that nobody asks a second time.
async fn channel_read(reading: Option<Reading<'_>>) -> io::Result<usize> {
    match reading {
        Some((channel, read)) => {
            read.reserve(link::CHANNEL_READ_BYTES);
            channel.read_buf(read).await
        }
        None => pending().await,
    }
}

async fn channel_writable(sending: Option<&pipe::Sender>) {
    match sending {
        Some(sending) => drop(sending.writable().await),
        None => pending().await,
    }
}

async fn output_ready(output: Option<(&pipe::Receiver, bool)>) {
    match output {
        Some((output, flooded)) => {
            if flooded {
                tokio::time::sleep(FLOOD_PAUSE).await;
            }
            // An error shows again when it is read.
            drop(output.readable().await);
        }
        None => pending().await,
    }
}

async fn ended(waiting: &mut Option<oneshot::Receiver<Ended>>) -> Option<Ended> {
    let Some(receiver) = waiting else { return pending().await };
    let ended = receiver.await.ok();
    *waiting = None;
    ended
}

fn has_outbox(shared: &Shared) -> bool {
    shared.lock().link.as_ref().is_some_and(Link::has_outbox)
}

fn flush(shared: &Shared) {
    let mut core = shared.lock();
    if core.link.as_mut().is_some_and(|link| link.flush().is_err()) {
        core.apply(Event::Violated);
    }
}

fn drain(shared: &Shared, present: Option<&mut Present>) {
    let mut core = shared.lock();
    let core = &mut *core;
    // What comes between invocations comes after the last one's REPORT.
    core.report();
    let Some(link) = &mut core.link else { return };
    let drained = link.drain_ready(&mut core.journal);
    // Between invocations nothing else would send these lines.
    core.journal.flush();
    if let Some(present) = present {
        present.flooded = drained == Drained::Partly;
        if drained == Drained::Closed {
            present.output = None;
        }
    }
}

/// Acts on every whole frame that was read from the channel, which is `open` still or not.
fn hear(shared: &Shared, present: Option<&mut Present>, open: bool) {
    let Some(present) = present else { return };
    loop {
        match take_frame(&mut present.read) {
            Ok(Some(frame)) => match heard(shared, frame) {
                Heard::Right => present.strays = 0,
                Heard::Stray if present.strays < STRAYS_MAX => present.strays += 1,
                Heard::Stray => return violated(shared, present, &"too many answers to nothing"),
                Heard::Wrong => {
                    shared.apply(Event::Violated);
                }
            },
            Ok(None) => break,
            Err(error) => return violated(shared, present, &error),
        }
    }
    if !open {
        // The program ends, which is told by itself; one that only closed its end is found out when it is given work.
        present.channel = None;
    }
}

/// Nothing more is read of it.
fn violated(shared: &Shared, present: &mut Present, error: &dyn std::fmt::Display) {
    warn!(%error, "a function broke the rules of its channel and is ended");
    present.channel = None;
    shared.apply(Event::Violated);
}

/// What a frame is to the environment.
enum Heard {
    Right,
    /// An answer to no invocation that runs.
    Stray,
    /// The runtime may not say that now.
    Wrong,
}

fn heard(shared: &Shared, frame: Frame) -> Heard {
    let mut core = shared.lock();
    let rightly = |right: bool| if right { Heard::Right } else { Heard::Wrong };
    let (number, outcome) = match frame {
        Frame::Ready => return rightly(core.is_initialising() && core.apply(Event::AskedNext)),
        Frame::InitError(error) => {
            let kind = answers::error_type_of(&error);
            return rightly(core.init_failed(answers::init_failed(error, &kind)));
        }
        Frame::Response(number, payload) => (number, answers::responded(payload)),
        Frame::Error(number, error) => (number, answers::reported(error)),
        Frame::TooLarge(number) => (number, answers::too_large()),
    };
    if core.event_number() != Some(number) {
        // As a late answer by the Runtime API: a process that the handler forked comes back, or the function's own
        // frame. It answers nobody.
        debug!("an answer to no invocation that runs");
        return Heard::Stray;
    }
    rightly(core.responded(outcome) && core.apply(Event::AskedNext))
}

/// Not on a tick alone: a function that never stops talking leaves the timer no turn.
fn look_if_due(shared: &Shared, timer: Pin<&mut Sleep>) {
    if timer.deadline() <= tokio::time::Instant::now() {
        timer.reset(tick(shared, true).into());
    }
}

/// Looks at the environment, or only sets the time of the next look; answers it.
fn tick(shared: &Shared, look: bool) -> Instant {
    let mut core = shared.lock();
    let now = Instant::now();
    if look {
        core.look(now);
    }
    core.next_look(now)
}
