//! A request's body: whole, bounded in size and time, and together with all others in memory.

use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hearth_world::World;
use http::header::{CONTENT_LENGTH, EXPECT};
use http::request::Parts;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::Limit;
use crate::error::{ApiError, Code};

/// A client that sends nothing for so long is gone.
const FRAME_TIME_MAX: Duration = Duration::from_secs(30);

/// A whole body: 70 MB over a line of 1 Mbit/s.
const BODY_TIME_MAX: Duration = Duration::from_secs(600);

/// What is thrown away of a refused body, so that a client which only reads after writing sees the answer.
const DRAINED_BYTES_MAX: u64 = 134_217_728;

/// Memory set aside for a body before any of it arrived.
const RESERVED_BYTES_MAX: u64 = 1_048_576;

/// Bodies up to this size are read without asking for room.
const SMALL_BYTES_MAX: u64 = 262_144;

/// Room for all larger bodies that are being read from one side, listeners or sandboxes: three packages at a time.
const ROOM_BYTES: u64 = 3 * 70_167_211;

/// Room for those of one sandbox: one package.
const SANDBOX_ROOM_BYTES: u64 = 70_167_211;

/// What a permit stands for.
const ROOM_UNIT: u64 = 65_536;

/// A body waits so long for room, without being read; flow control holds its sender back.
const ROOM_TIME_MAX: Duration = Duration::from_secs(60);

/// Memory for bodies that are being read. A sender that stops in the middle keeps its room, so that many of them fill
/// the room and not the host.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Semaphore>);

impl Room {
    /// For one side of the front door.
    pub(super) fn of_a_side() -> Self {
        Self::of(ROOM_BYTES)
    }

    /// For one sandbox.
    pub(super) fn of_a_sandbox() -> Self {
        Self::of(SANDBOX_ROOM_BYTES)
    }

    fn of(bytes: u64) -> Self {
        Self(Arc::new(Semaphore::new(usize::try_from(bytes.div_ceil(ROOM_UNIT)).unwrap_or(usize::MAX))))
    }

    async fn take(&self, world: &World, bytes: u64) -> Result<OwnedSemaphorePermit, ApiError> {
        let units = u32::try_from(bytes.div_ceil(ROOM_UNIT)).unwrap_or(u32::MAX);
        let permit = world.physical().timeout(ROOM_TIME_MAX, self.0.clone().acquire_many_owned(units)).await;
        permit.ok().and_then(Result::ok).ok_or_else(|| {
            ApiError::client(Code::Throttling, "Rate exceeded: too many large requests are being read")
        })
    }
}

/// The right to a body's memory, given back when dropped.
#[derive(Debug, Default)]
pub(super) struct Held(#[allow(dead_code, reason = "held, not looked at")] Vec<OwnedSemaphorePermit>);

/// The whole body, and the room that it takes. One that came in one piece is handed on as it is.
pub(super) async fn read<B>(
    world: &World,
    rooms: [Option<&Room>; 2],
    parts: &Parts,
    body: Pin<&mut B>,
    limit: Limit,
) -> Result<(Bytes, Held), ApiError>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Display,
{
    let announced = content_length(parts).or(body.size_hint().exact());
    if let Some(bytes) = announced.filter(|bytes| *bytes > limit.bytes_max) {
        return Err(limit.exceeded(bytes));
    }
    if body.is_end_stream() {
        return Ok((Bytes::new(), Held::default()));
    }
    let mut held = Held::default();
    let wanted = announced.unwrap_or(limit.bytes_max);
    if wanted > SMALL_BYTES_MAX {
        for room in rooms.into_iter().flatten() {
            held.0.push(room.take(world, wanted).await?);
        }
    }
    let collected = world.physical().timeout(BODY_TIME_MAX, collect(world, body, limit, announced)).await;
    Ok((collected.unwrap_or_else(|_| Err(too_slow()))?, held))
}

async fn collect<B>(
    world: &World,
    mut body: Pin<&mut B>,
    limit: Limit,
    announced: Option<u64>,
) -> Result<Bytes, ApiError>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Display,
{
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    let mut bytes: u64 = 0;
    while let Some(frame) =
        world.physical().timeout(FRAME_TIME_MAX, body.frame()).await.map_err(|_| too_slow())?
    {
        let frame = frame.map_err(|error| broken(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        bytes += data.len() as u64;
        if bytes > limit.bytes_max {
            return Err(limit.exceeded(bytes));
        }
        if first.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            let wanted = announced.unwrap_or(0).min(RESERVED_BYTES_MAX).max(bytes);
            all.reserve(usize::try_from(wanted).unwrap_or(0));
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// Reads and forgets what is left, so that the connection can go on; `false` when it cannot.
pub(super) async fn drain<B>(world: &World, parts: &Parts, mut body: Pin<&mut B>) -> bool
where
    B: http_body::Body<Data = Bytes>,
{
    if body.is_end_stream() {
        return true;
    }
    let is_held_back = parts.headers.contains_key(EXPECT);
    if is_held_back || content_length(parts).is_some_and(|bytes| bytes > DRAINED_BYTES_MAX) {
        return false;
    }
    let drained = world.physical().timeout(BODY_TIME_MAX, async {
        let mut bytes: u64 = 0;
        while let Ok(frame) = world.physical().timeout(FRAME_TIME_MAX, body.frame()).await {
            match frame {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(frame)) => bytes += frame.data_ref().map_or(0, |data| data.len() as u64),
            }
            if bytes > DRAINED_BYTES_MAX {
                return false;
            }
        }
        false
    });
    drained.await.unwrap_or(false)
}

fn content_length(parts: &Parts) -> Option<u64> {
    parts.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_slow() -> ApiError {
    ApiError::client(
        Code::RequestTimeout,
        "Your socket connection to the server was not read from or written to within the timeout period.",
    )
}

fn broken(error: &dyn Display) -> ApiError {
    ApiError::client(Code::Serialization, format!("The request body could not be read: {error}"))
}
