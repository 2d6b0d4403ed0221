//! Whom a function acts as: a session of its role, named after the function, with credentials of its own.

use std::time::Duration;

use hearth_aws::credentials::{RoleFacts, Session, Sessions};
use hearth_worker::{Credentials, Identity, Secret};
use hearth_world::{Random, Timestamp};

use crate::functions::Function;
use crate::options::CREDENTIALS_LEFT;

/// A new session with new credentials that hold for `life`, and until when invocations may begin with it. `role_id` is
/// that of a role that was created.
pub(super) fn new_session(
    sessions: &Sessions,
    random: &Random,
    now: Timestamp,
    life: Duration,
    function: &Function,
    role_id: Option<String>,
) -> (Identity, Timestamp) {
    let (role, name) = (&function.role, function.name.as_str());
    let role_id = role_id.unwrap_or_else(|| RoleFacts::derived_id(role));
    let session = Session::new(role.account(), role.session(name), format!("{role_id}:{name}"), now, life);
    let issued = sessions.issue(random, &session);
    let identity = Identity {
        arn: session.arn,
        user_id: session.user_id,
        credentials: Credentials {
            access_key_id: issued.access_key_id,
            secret_access_key: Secret(issued.secret_access_key),
            session_token: Secret(issued.session_token),
        },
    };
    (identity, now.after(life.saturating_sub(CREDENTIALS_LEFT)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::CREDENTIALS as LIFE;

    #[test]
    fn every_session_has_credentials_of_its_own_that_tell_whose_they_are() {
        let (sessions, random, now) = (Sessions::new([1; 32]), Random::seeded(1), Timestamp::from_millis(0));
        let example = Function::example("thumbnail");
        let [(first, usable), (second, _)] = [(); 2]
            .map(|()| new_session(&sessions, &random, now, LIFE, &example, Some("AROAREAL".to_owned())));
        assert_eq!(first.arn, "arn:aws:sts::000000000000:assumed-role/exec/thumbnail");
        assert_eq!(first.user_id, "AROAREAL:thumbnail");
        assert_ne!(first.credentials.access_key_id, second.credentials.access_key_id);
        let token = &first.credentials.session_token.0;
        let opened = sessions.open(&first.credentials.access_key_id, token).expect("it is ours");
        assert_eq!((&opened.arn, opened.expires), (&first.arn, now.after(LIFE)));
        assert!(usable < opened.expires);
        let (nobodys, _) = new_session(&sessions, &random, now, LIFE, &example, None);
        assert_eq!(nobodys.user_id, format!("{}:thumbnail", RoleFacts::derived_id(&example.role)));
    }
}
