//! What is left of sandboxes that have ended: nothing, or their `/tmp` for the one that follows.
//!
//! Never: a user number given to others while files of it are kept.

use super::Spawner;
use crate::api::{Event, SandboxId};

impl Spawner {
    /// Gives up what a sandbox left, or will leave.
    pub(super) fn forget(&mut self, id: SandboxId) {
        match (self.homes.remove(&id), self.sandboxes.get_mut(&id)) {
            (Some(home), _) => self.host.seats.identities.give_back(&home.identity),
            (None, Some(alive)) => alive.leave_nothing(),
            (None, None) => {}
        }
    }

    /// Removes what sandboxes without processes still hold; those are reported now.
    pub(super) fn remove_the_leaving(&mut self) {
        let Spawner { sandboxes, homes, outbox, host, .. } = self;
        sandboxes.retain(|id, sandbox| {
            let Some(event) = sandbox.removed() else { return true };
            let home = sandbox.take_home().and_then(|(home, wanted)| {
                let stays = wanted && matches!(event, Event::Exited { .. });
                if !stays {
                    host.seats.identities.give_back(&home.identity);
                }
                stays.then_some(home)
            });
            if home.as_ref().is_none_or(|home| home.identity != *sandbox.identity()) {
                host.seats.identities.give_back(sandbox.identity());
            }
            homes.extend(home.map(|home| (*id, home)));
            outbox.push_back((event, Vec::new()));
            false
        });
    }
}
