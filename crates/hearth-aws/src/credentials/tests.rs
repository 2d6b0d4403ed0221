use std::time::Duration;

use super::*;

fn session() -> Session {
    let now = Timestamp::from_millis(1_767_225_600_000);
    let arn = "arn:aws:sts::123456789012:assumed-role/exec/thumbnail".to_owned();
    Session::new("123456789012", arn, "AROAEXAMPLE:thumbnail".to_owned(), now, Duration::from_secs(900))
}

fn restricted() -> Session {
    let tag = |at: usize| (format!("key{at}"), "value".repeat(at));
    Session {
        source_identity: Some("alice".to_owned()),
        mfa: true,
        restrictions: Restrictions {
            policy: Some(r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned()),
            policy_arns: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()],
            tags: (0..50).map(tag).collect(),
            transitive_tag_keys: vec!["key1".to_owned()],
        },
        ..session()
    }
}

#[test]
fn every_holder_of_the_master_secret_opens_what_another_issued() {
    let [here, there] = [(); 2].map(|()| Sessions::new([7; 32]));
    for session in [session(), restricted()] {
        let issued = here.issue(&Random::seeded(1), &session);
        assert_eq!((issued.access_key_id.len(), issued.secret_access_key.len()), (20, 40));
        assert!(issued.access_key_id.starts_with("ASIA") && here.made(&issued.access_key_id));
        assert!(issued.session_token.len() <= 4_096, "{}", issued.session_token.len());
        assert_eq!(issued.expiration, session.expires);
        assert_eq!(there.open(&issued.access_key_id, &issued.session_token), Some(session));
        let key = there.key(&issued.access_key_id, &issued.session_token).expect("opened");
        assert_eq!(key.secret, issued.secret_access_key);
        assert_eq!(account_of_access_key(&issued.access_key_id).as_deref(), Some("123456789012"));
    }
}

#[test]
fn a_token_of_another_secret_of_another_key_or_with_one_bit_changed_opens_nothing() {
    let (sessions, random) = (Sessions::new([7; 32]), Random::seeded(1));
    let issued = sessions.issue(&random, &session());
    let other = sessions.issue(&random, &session());
    assert_ne!(issued.secret_access_key, other.secret_access_key);
    assert_ne!(issued.session_token, other.session_token);
    assert_eq!(Sessions::new([8; 32]).open(&issued.access_key_id, &issued.session_token), None);
    assert!(!Sessions::new([8; 32]).made(&issued.access_key_id));
    assert_eq!(sessions.open(&issued.access_key_id, &other.session_token), None);
    let token = BASE64_STANDARD.decode(&issued.session_token).expect("base64");
    for at in 0..token.len() {
        let mut changed = token.clone();
        changed[at] ^= 1 << (at % 8);
        assert_eq!(sessions.open(&issued.access_key_id, &BASE64_STANDARD.encode(&changed)), None, "{at}");
        assert_eq!(sessions.open(&issued.access_key_id, &BASE64_STANDARD.encode(&token[..at])), None, "{at}");
    }
    for garbage in ["", "x", "AQ==", &"A".repeat(20_000)] {
        assert_eq!(sessions.open(&issued.access_key_id, garbage), None);
    }
}

#[test]
fn policies_and_tags_that_do_not_fit_into_a_token_are_more_than_100_percent() {
    assert_eq!(session().restrictions.packed_percent(), 0);
    assert!((1..=100).contains(&restricted().restrictions.packed_percent()));
    let noise = Random::seeded(1).hex::<128>();
    let tags =
        (0..50).map(|at| (format!("{at}"), format!("{}{at}", Random::seeded(at).hex::<120>()))).collect();
    let large = Restrictions { policy: Some(noise), tags, ..Restrictions::default() };
    assert!(large.packed_percent() > 100);
    let spaces = Restrictions { policy: Some(" ".repeat(300_000)), ..Restrictions::default() };
    assert!(spaces.packed_percent() > 100, "it packs well, but nobody would unpack it");
}

#[test]
fn neither_secret_is_shown() {
    let sessions = Sessions::new([7; 32]);
    let issued = sessions.issue(&Random::seeded(1), &session());
    let shown = format!("{sessions:?} {issued:?}");
    assert!(!shown.contains(&issued.secret_access_key) && !shown.contains(&issued.session_token), "{shown}");
}

#[test]
fn the_derived_id_of_a_role_is_stable_and_has_the_form_of_aws() {
    let role = crate::names::RoleArn::new("123456789012", "/", "exec");
    let id = RoleFacts::derived_id(&role);
    assert_eq!(id, RoleFacts::derived_id(&role));
    assert!(id.starts_with("AROA") && id.len() == 21, "{id}");
    assert_ne!(id, RoleFacts::derived_id(&crate::names::RoleArn::new("123456789012", "/a/", "exec")));
}
