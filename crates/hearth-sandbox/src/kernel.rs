//! System calls that no safe library wraps: one each, with the reason why it is sound.
//!
//! Never: a decision. What is called when stands in the files that use these.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::thread::UnshareFlags;

/// The two sides of a clone, as fork returns them.
pub(crate) enum Side {
    /// The new process.
    Child,
    /// The caller, with the child's process descriptor and number.
    Parent(OwnedFd, i32),
}

/// Namespaces that a clone makes anew, as the `CLONE_NEW*` bits.
pub(crate) type Namespaces = i32;

/// Clones this process into new namespaces. The child continues here with a copy of the memory, as after fork.
pub(crate) fn clone_process(namespaces: Namespaces) -> io::Result<Side> {
    let mut process: RawFd = -1;
    let flags = libc::CLONE_PIDFD | namespaces | libc::SIGCHLD;
    // SAFETY: a null stack makes clone behave as fork: the child runs on its own copy of this stack. The third
    // argument is where CLONE_PIDFD stores a descriptor; it points to a live i32. The thread-id and TLS
    // arguments are ignored without their flags. Callers have one thread, so no lock of libc is held by another.
    let pid = unsafe {
        libc::syscall(
            libc::SYS_clone,
            libc::c_long::from(flags),
            std::ptr::null_mut::<libc::c_void>(),
            &raw mut process,
            std::ptr::null_mut::<libc::c_void>(),
            std::ptr::null_mut::<libc::c_void>(),
        )
    };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Side::Child),
        // SAFETY: the kernel stored a new descriptor there, which nobody else owns.
        _ => Ok(Side::Parent(unsafe { OwnedFd::from_raw_fd(process) }, pid as i32)),
    }
}

/// Moves this process into new namespaces.
pub(crate) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    assert!(!flags.contains(UnshareFlags::FILES), "the descriptor table is never unshared here");
    // SAFETY: unshare is unsound only for FILES, which was ruled out above.
    Ok(unsafe { rustix::thread::unshare_unsafe(flags) }?)
}

/// Sets attributes on a mount and everything mounted below it.
pub(crate) fn set_mount_attributes(
    tree: BorrowedFd<'_>,
    attributes: u64,
    propagation: u64,
) -> io::Result<()> {
    let change = libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation, userns_fd: 0 };
    // SAFETY: the path is a NUL-terminated 'static string and the structure a live value of the size given; the
    // kernel keeps neither.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            &raw const change,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Replaces the program. Returns only when that failed.
pub(crate) fn execute(program: &CStr, arguments: &[CString], environment: &[CString]) -> io::Error {
    let pointers = |strings: &[CString]| -> Vec<*const libc::c_char> {
        strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: both arrays end with a null pointer and hold pointers to NUL-terminated strings that outlive the call.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Ends this process at once, running nothing that was registered for its end.
pub(crate) fn exit_now(status: i32) -> ! {
    // SAFETY: _exit has no precondition.
    unsafe { libc::_exit(status) }
}

/// Makes `number` a copy of `descriptor` that survives an exec, replacing what it was.
pub(crate) fn duplicate_to(descriptor: BorrowedFd<'_>, number: RawFd) -> io::Result<()> {
    // SAFETY: dup2 takes two numbers. Callers give a number below 5 in a process that is about to exec, where no
    // Rust value owns those.
    let result = unsafe { libc::dup2(descriptor.as_raw_fd(), number) };
    if result == number { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Moves a descriptor to a fixed number, replacing what that was. The old number stays open.
pub(crate) fn move_to(descriptor: BorrowedFd<'_>, number: RawFd) -> io::Result<OwnedFd> {
    duplicate_to(descriptor, number)?;
    // SAFETY: the number was just made by dup2, and callers give one that no Rust value owns,
    // or whose owner is never used nor dropped again: they are children that end without unwinding.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Takes a descriptor that this process inherited at a fixed number.
pub(crate) fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_DUPFD_CLOEXEC takes numbers only and returns a new descriptor.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, libc::STDERR_FILENO + 1) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Closes every descriptor from `first` on.
pub(crate) fn close_from(first: RawFd) -> io::Result<()> {
    close_range(first, 0)
}

/// Makes every descriptor from `first` on close at exec.
pub(crate) fn close_from_at_exec(first: RawFd) -> io::Result<()> {
    close_range(first, libc::CLOSE_RANGE_CLOEXEC)
}

fn close_range(first: RawFd, flags: libc::c_uint) -> io::Result<()> {
    // SAFETY: close_range takes numbers only. Callers are children that drop no descriptor of Rust's afterwards.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, flags) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Ignores a signal from now on.
pub(crate) fn ignore_signal(signal: i32) {
    // SAFETY: SIG_IGN installs no code. A wrong number makes the call fail, which changes nothing.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}

/// Gives every signal its default disposition and unblocks all, as a new program expects.
pub(crate) fn reset_signals() {
    /// The kernel's `struct sigaction` and set of signals, which libc's are not.
    const ACTION_BYTES: usize = 32;
    const SET_BYTES: usize = 8;
    const SIGNALS: i32 = 64;
    let default = [0_u64; ACTION_BYTES / 8];
    for signal in 1..=SIGNALS {
        // libc's own wrapper would leave out the two signals that it uses itself.
        // SAFETY: all zeroes is SIG_DFL without flags, which installs no code; the kernel reads the 32 bytes and
        // keeps no pointer. SIGKILL and SIGSTOP fail, which changes nothing.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                std::ptr::null_mut::<libc::c_void>(),
                SET_BYTES,
            )
        };
    }
    // SAFETY: the set is a live value that sigemptyset fills before sigprocmask reads it; no old set is asked for.
    unsafe {
        let mut none = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// The number of a loop device that is free at this moment; somebody else may take it first.
pub(crate) fn free_loop_device(control: BorrowedFd<'_>) -> io::Result<u32> {
    const LOOP_CTL_GET_FREE: libc::Ioctl = 0x4C82;
    // SAFETY: this request takes no argument and returns a number.
    let number = unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) };
    u32::try_from(number).map_err(|_| io::Error::last_os_error())
}

/// Backs a loop device with a file. It lets go of the file by itself when its last user is gone.
pub(crate) fn configure_loop_device(device: BorrowedFd<'_>, backing: BorrowedFd<'_>) -> io::Result<()> {
    const LOOP_CONFIGURE: libc::Ioctl = 0x4C0A;
    const LO_FLAGS_AUTOCLEAR: u32 = 4;
    const LO_FLAGS_DIRECT_IO: u32 = 16;
    /// `struct loop_config` of linux/loop.h.
    #[repr(C)]
    struct Configuration {
        backing: u32,
        block_bytes: u32,
        info: Info,
        reserved: [u64; 8],
    }
    /// `struct loop_info64` of linux/loop.h.
    #[repr(C)]
    struct Info {
        before_flags: [u64; 5],
        before_flags_small: [u32; 3],
        flags: u32,
        names_and_key: [u8; 160],
        init: [u64; 2],
    }
    const _: () = assert!(size_of::<Info>() == 232 && size_of::<Configuration>() == 304);
    let backing = u32::try_from(backing.as_raw_fd()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
    let info = Info {
        before_flags: [0; 5],
        before_flags_small: [0; 3],
        flags,
        names_and_key: [0; 160],
        init: [0; 2],
    };
    let wanted = Configuration { backing, block_bytes: 4096, info, reserved: [0; 8] };
    // SAFETY: the argument points to a structure of the kernel's layout, checked in size above, that is only read.
    let result = unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE, &raw const wanted) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Brings an interface of the current network namespace up.
pub(crate) fn bring_up(socket: BorrowedFd<'_>, interface: &CStr) -> io::Result<()> {
    let mut request = interface_request(interface);
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    change_interface(socket, libc::SIOCSIFFLAGS as libc::Ioctl, &request)
}

/// Gives an interface (or an alias of it, `lo:1`) one more IPv4 address, for this host alone (`/32`).
pub(crate) fn add_address(
    socket: BorrowedFd<'_>,
    interface: &CStr,
    address: std::net::Ipv4Addr,
) -> io::Result<()> {
    let with = |address: u32| {
        let mut request = interface_request(interface);
        let internet = libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: 0,
            sin_addr: libc::in_addr { s_addr: address.to_be() },
            sin_zero: [0; 8],
        };
        // SAFETY: sockaddr_in and sockaddr have one size and no invalid bit patterns; the kernel reads it by family.
        request.ifr_ifru.ifru_addr =
            unsafe { std::mem::transmute::<libc::sockaddr_in, libc::sockaddr>(internet) };
        request
    };
    change_interface(socket, libc::SIOCSIFADDR as libc::Ioctl, &with(address.to_bits()))?;
    change_interface(socket, libc::SIOCSIFNETMASK as libc::Ioctl, &with(u32::MAX))
}

/// Asks about interfaces of the network namespace in which it was made.
#[derive(Debug)]
pub(crate) struct InterfaceSocket(OwnedFd);

impl InterfaceSocket {
    pub(crate) fn open() -> io::Result<InterfaceSocket> {
        use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
        Ok(InterfaceSocket(socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?))
    }

    /// The largest packet of an interface, in bytes.
    pub(crate) fn mtu(&self, name: &str) -> io::Result<u32> {
        let answer = self.ask(name, libc::SIOCGIFMTU as libc::Ioctl)?;
        // SAFETY: this request filled that form, and every bit pattern is a number.
        Ok(u32::try_from(unsafe { answer.ifr_ifru.ifru_mtu }).unwrap_or(0))
    }

    /// The number of an interface.
    pub(crate) fn index(&self, name: &str) -> io::Result<u32> {
        let answer = self.ask(name, libc::SIOCGIFINDEX as libc::Ioctl)?;
        // SAFETY: this request filled that form, and every bit pattern is a number.
        Ok(u32::try_from(unsafe { answer.ifr_ifru.ifru_ifindex }).unwrap_or(0))
    }

    fn ask(&self, name: &str, what: libc::Ioctl) -> io::Result<libc::ifreq> {
        let name = CString::new(name)?;
        let mut request = interface_request(&name);
        // SAFETY: the requests used here read the name in an ifreq and write into it; the pointer leads to a live one.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), what, &raw mut request) };
        if result == 0 { Ok(request) } else { Err(io::Error::last_os_error()) }
    }
}

fn interface_request(interface: &CStr) -> libc::ifreq {
    // SAFETY: ifreq is plain data; all zeroes is a valid value of each of its forms.
    let mut request = unsafe { std::mem::zeroed::<libc::ifreq>() };
    for (to, from) in request.ifr_name.iter_mut().zip(interface.to_bytes()) {
        *to = *from as libc::c_char;
    }
    request
}

fn change_interface(socket: BorrowedFd<'_>, what: libc::Ioctl, request: &libc::ifreq) -> io::Result<()> {
    // SAFETY: the requests used here read an ifreq, which is what the pointer leads to.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), what, std::ptr::from_ref(request)) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Overwrites a string in place, so that no copy of the memory taken later holds it.
pub(crate) fn wipe(text: &mut str) {
    // SAFETY: zero bytes are valid UTF-8.
    wipe_bytes(unsafe { text.as_bytes_mut() });
}

/// Overwrites bytes in place.
pub(crate) fn wipe_bytes(bytes: &mut [u8]) {
    bytes.fill(0);
    std::hint::black_box(bytes);
}

/// Begins to bring a file's content to the disk, without waiting for it.
pub(crate) fn start_writing_out(file: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: sync_file_range takes numbers only.
    let result = unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
