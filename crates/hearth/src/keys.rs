//! The secret from which temporary credentials are made: one for a store, so that it outlives a restart and every
//! node has it.

use anyhow::{Context, Result};
use bytes::Bytes;
use hearth_aws::Sessions;
use hearth_store::{Key, Store, StoreError, transact};
use hearth_world::Random;

/// The sessions of a store. Its secret is made at the first start; of two that start at the same time one wins.
pub async fn sessions(store: &dyn Store, random: &Random) -> Result<Sessions> {
    let fresh: [u8; 32] = random.bytes();
    let secret = transact(store, move |tx| -> Result<Bytes, StoreError> {
        let key = Key::of("system/session-secret");
        if let Some(known) = tx.get(&key)? {
            return Ok(known);
        }
        tx.put(&key, Bytes::copy_from_slice(&fresh))?;
        Ok(Bytes::copy_from_slice(&fresh))
    });
    let secret = secret.await.context("read the secret of temporary credentials")?;
    let secret: [u8; 32] = secret[..].try_into().context("the secret of temporary credentials is damaged")?;
    Ok(Sessions::new(secret))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use hearth_aws::credentials::Session;
    use hearth_store::SqliteStore;
    use hearth_world::World;

    use super::*;

    #[tokio::test]
    async fn two_servers_that_start_on_one_store_open_each_others_credentials() {
        let world = World::real();
        let store = Arc::new(SqliteStore::in_memory(&world).expect("a store"));
        let (here, there) =
            tokio::join!(sessions(&*store, world.random()), sessions(&*store, world.random()));
        let (here, there) = (here.expect("a secret"), there.expect("a secret"));
        let now = world.physical().now();
        let session = Session::new("000000000000", "arn".into(), "id".into(), now, Duration::from_secs(900));
        let issued = here.issue(world.random(), &session);
        assert_eq!(there.open(&issued.access_key_id, &issued.session_token), Some(session));
    }
}
