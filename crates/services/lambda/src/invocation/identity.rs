//! Whom a function acts as: a session of its role, named after the function, with credentials of its own.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hearth_aws::names::RoleArn;
use hearth_worker::{Credentials, Identity, Secret};
use hearth_world::Random;
use sha2::{Digest, Sha256};

use crate::functions::Function;

/// The digits of AWS's ids: base32 without 0, 1, 8 and 9.
const ID_DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new session with new credentials.
pub(super) fn new_session(random: &Random, function: &Function) -> Identity {
    let session = function.name.as_str();
    Identity {
        arn: function.role.session(session),
        user_id: format!("{}:{session}", role_id(&function.role)),
        credentials: Credentials {
            access_key_id: format!("ASIA{}", id_text(&random.bytes::<16>())),
            secret_access_key: Secret(BASE64_STANDARD.encode(random.bytes::<30>())),
            session_token: Secret(BASE64_STANDARD.encode(random.bytes::<192>())),
        },
    }
}

/// `AROA…`, always the same for one role: also for a role that nobody created.
// GAP(iam): the id that GetRole shows, for a role that exists.
fn role_id(role: &RoleArn) -> String {
    format!("AROA{}", id_text(&Sha256::digest(role.to_string())[..17]))
}

fn id_text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(ID_DIGITS[usize::from(byte % 32)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_role_is_stable_and_has_the_form_of_aws() {
        let role = RoleArn::new("123456789012", "/", "exec");
        let id = role_id(&role);
        assert_eq!(id, role_id(&role));
        assert_eq!(id.len(), 21);
        assert!(id[4..].bytes().all(|byte| ID_DIGITS.contains(&byte)));
    }

    #[test]
    fn every_session_has_credentials_of_its_own() {
        let random = Random::seeded(1);
        let [first, second] = [(); 2].map(|()| new_session(&random, &Function::example("thumbnail")));
        assert_eq!(first.arn, "arn:aws:sts::000000000000:assumed-role/exec/thumbnail");
        assert_eq!(
            (first.credentials.access_key_id.len(), first.credentials.secret_access_key.0.len()),
            (20, 40)
        );
        assert_ne!(first.credentials.access_key_id, second.credentials.access_key_id);
        assert_ne!(first.credentials.secret_access_key, second.credentials.secret_access_key);
    }
}
