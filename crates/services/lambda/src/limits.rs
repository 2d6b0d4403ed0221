//! AWS's limits, each with its source. What only this server is limited by stands in [`crate::Options`].

/// Deployment package, zipped: 50 MB (`CodeSizeZipped` of GetAccountSettings).
pub const CODE_ZIPPED_BYTES_MAX: u64 = 52_428_800;

/// Code with layers, unzipped: 250 MB (`CodeSizeUnzipped` of GetAccountSettings).
pub const CODE_UNZIPPED_BYTES_MAX: u64 = 262_144_000;

/// All packages of an account in a region: 75 GB (`TotalCodeSize` of GetAccountSettings).
pub const CODE_STORAGE_BYTES_MAX: u64 = 80_530_636_800;

/// Event of a synchronous invocation: 6 MB.
pub const INVOKE_PAYLOAD_BYTES_MAX: usize = 6_291_456;

/// Base64 of the client context: 3,583 bytes (Invoke, `X-Amz-Client-Context`).
pub const CLIENT_CONTEXT_BYTES_MAX: usize = 3_583;

/// Environment variables, measured as the compact JSON object of them: 4 KB.
pub const ENVIRONMENT_BYTES_MAX: usize = 4_096;

/// Layers of one function.
pub const LAYERS_MAX: usize = 5;

/// Tags of one resource.
pub const TAGS_MAX: usize = 50;

/// A function's name without qualifier, in characters.
pub const FUNCTION_NAME_LENGTH_MAX: usize = 64;

/// `MemorySize` in MB of an ordinary function; the model allows more, for Managed Instances.
pub const MEMORY_MB_MAX: i64 = 10_240;

/// `Timeout` in seconds of an ordinary function; the model allows more, for Managed Instances.
pub const TIMEOUT_SECONDS_MAX: i64 = 900;

/// `EphemeralStorage.Size` in MB without an accelerator.
pub const EPHEMERAL_MB_MAX: i64 = 10_240;

/// Functions, layers or versions in one page of a list; a larger `MaxItems` is cut to it without a word.
pub const LIST_PAGE_MAX: u32 = 50;

/// How long a `Code.Location` works, in seconds.
pub const CODE_LOCATION_SECONDS: u32 = 600;

/// Calls of one account in one region that run at the same time.
pub const CONCURRENT_EXECUTIONS: u32 = 1_000;
