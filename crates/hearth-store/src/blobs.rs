//! Blobs by content.
