//! Sandboxes without a kernel's help, for tests: the program is a closure that holds the sandbox's side.
//!
//! Never: used outside tests and simulations.

use std::collections::HashMap;
use std::fs::File;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hearth_sandbox::api::{Exit, Listen, SandboxId, SandboxSpec, UnpackError, UnpackSpec, Unpacked};
use tokio::sync::oneshot;

use super::{Channel, Ended, Running, Sandbox, SandboxError};
use crate::worker::BoxFuture;

/// The sandbox's side of everything; dropping it ends nothing.
#[derive(Debug)]
pub struct Inside {
    /// What the server asked for.
    pub spec: SandboxSpec,
    /// The sandbox's ends of the channel, when asked for: where it reads and where it writes.
    pub channel: Option<(File, File)>,
    /// Where the server listens, one per entry of `spec.listen`: loopback addresses of the host.
    pub addresses: Vec<SocketAddr>,
    /// Write end of the output pipe.
    pub output: File,
    /// Ends the sandbox.
    pub end: End,
}

/// Ends a simulated sandbox, once.
#[derive(Clone, Debug)]
pub struct End(Arc<Mutex<Option<oneshot::Sender<Ended>>>>);

impl End {
    /// As if its processes had ended so.
    pub fn with(&self, exit: Exit, out_of_memory: bool) {
        if let Some(tell) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            tell.send(Ended { exit, out_of_memory }).ok();
        }
    }

    /// As if the spawner had died.
    pub fn with_the_spawner(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

type Program = Box<dyn Fn(Inside) + Send + Sync>;

/// See the module.
pub struct SimulatedSandbox {
    program: Program,
    memory_stat: PathBuf,
    next: AtomicU64,
    ends: Mutex<HashMap<SandboxId, End>>,
}

impl SimulatedSandbox {
    /// Every start calls `program`, which must return soon: it may start a thread. `memory_stat` is read for figures.
    pub fn new(memory_stat: PathBuf, program: impl Fn(Inside) + Send + Sync + 'static) -> Self {
        Self { program: Box::new(program), memory_stat, next: AtomicU64::new(1), ends: Mutex::default() }
    }

    fn make(&self, spec: SandboxSpec) -> std::io::Result<Running> {
        let id = SandboxId(self.next.fetch_add(1, Ordering::Relaxed));
        let mut sockets = Vec::new();
        let mut addresses = Vec::new();
        for listen in &spec.listen {
            let (socket, address): (OwnedFd, SocketAddr) = match listen {
                Listen::Tcp(_) => {
                    let listener = TcpListener::bind("127.0.0.1:0")?;
                    let address = listener.local_addr()?;
                    (listener.into(), address)
                }
                Listen::Udp(_) => {
                    let socket = UdpSocket::bind("127.0.0.1:0")?;
                    let address = socket.local_addr()?;
                    (socket.into(), address)
                }
            };
            rustix::io::ioctl_fionbio(socket.as_fd(), true)?;
            sockets.push(socket);
            addresses.push(address);
        }
        let (output, inside_output) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&output, true)?;
        let (inside_reads, sending) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let (receiving, inside_writes) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let (tell, ended) = oneshot::channel();
        let end = End(Arc::new(Mutex::new(Some(tell))));
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).insert(id, end.clone());
        let asked = spec.channel;
        (self.program)(Inside {
            spec,
            channel: asked.then(|| (inside_reads.into(), inside_writes.into())),
            addresses,
            output: inside_output.into(),
            end,
        });
        Ok(Running {
            id,
            sockets,
            output,
            channel: asked.then_some(Channel { sending, receiving }),
            memory_stat: self.memory_stat.clone(),
            timings: Vec::new(),
            ended,
        })
    }
}

impl Sandbox for SimulatedSandbox {
    fn start(&self, spec: SandboxSpec) -> BoxFuture<'_, Result<Running, SandboxError>> {
        Box::pin(async move { self.make(spec).map_err(|error| SandboxError::Refused(error.to_string())) })
    }

    fn kill(&self, id: SandboxId) {
        if let Some(end) = self.ends.lock().unwrap_or_else(PoisonError::into_inner).remove(&id) {
            end.with(Exit::Signal(9), false);
        }
    }

    fn forget(&self, _: SandboxId) {}

    fn freeze(&self, _: SandboxId) {}

    fn thaw(&self, _: SandboxId) {}

    fn limit_cpu(&self, _: SandboxId, _: u32) {}

    /// Makes an empty directory: nothing simulated looks into packages.
    fn unpack(&self, _: Vec<OwnedFd>, spec: UnpackSpec) -> BoxFuture<'_, Result<Unpacked, UnpackError>> {
        Box::pin(async move {
            std::fs::create_dir_all(&spec.destination)
                .map_err(|error| UnpackError::Host(error.to_string()))?;
            Ok(Unpacked { bytes: 0, entries: 0 })
        })
    }
}
