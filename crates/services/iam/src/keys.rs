//! What IAM tells others: whose an access key is, and what a role's sessions need.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hearth_aws::credentials::{RoleFacts, Roles, access_key_id};
use hearth_aws::names::RoleArn;
use hearth_aws::operation::BoxFuture;
use hearth_aws::{ApiError, Caller, Code, Key, Keys};
use hearth_store::{transact, transact_read};
use hearth_world::{TaskGroup, TaskKind};
use tracing::{info_span, warn};

use crate::access_keys::{self, AccessKey, LastUsed, Owner, ROOT};
use crate::error::IamError;
use crate::roles::Role;
use crate::{Iam, records};

/// How often the last uses of keys are written down.
const USES_INTERVAL: Duration = Duration::from_secs(60);

/// Ids that are tried for a new key: two are the same once in 550 thousand million.
const ID_ATTEMPTS: u32 = 4;

impl Iam {
    /// The access keys of users and roots, for the front door.
    pub fn keys(self: &Arc<Self>) -> Arc<dyn Keys> {
        self.clone()
    }

    /// Makes the access key of an account's root: id and secret. The first one who asks gets it, once for ever, also
    /// of two servers that start on one store; all others get `None`.
    pub async fn root_key_once(&self, account: &str) -> Result<Option<(String, String)>, ApiError> {
        let key = self.new_key(account, ROOT);
        let (id, secret) = (key.id.clone(), key.secret.clone());
        let made = transact(&*self.store, move |tx| access_keys::insert_root_once(tx, &key));
        Ok(made.await?.then_some((id, secret)))
    }

    /// Writes down from time to time when keys were used, until the group stops. What was not written then is lost.
    pub fn keep_up(self: &Arc<Self>, tasks: &TaskGroup) {
        let iam = self.clone();
        tasks.spawn(TaskKind::Service, info_span!("last uses of keys"), |stop| async move {
            let clock = iam.world.physical().clone();
            while stop.or(clock.sleep(USES_INTERVAL)).await.is_some() {
                iam.write_last_uses().await;
            }
        });
    }

    pub(crate) async fn write_last_uses(&self) {
        let uses = self.last_uses.take();
        if uses.is_empty() {
            return;
        }
        let written = transact(&*self.store, move |tx| -> Result<(), IamError> {
            uses.iter().try_for_each(|(id, used)| access_keys::put_last_used(tx, id, used))
        });
        if let Err(error) = written.await {
            warn!(%error, "when access keys were used is not known");
        }
    }

    /// A key that is not yet kept.
    pub(crate) fn new_key(&self, account: &str, owner: &str) -> AccessKey {
        let random = self.world.random();
        AccessKey {
            id: access_key_id(random, account),
            secret: BASE64_STANDARD.encode(random.bytes::<30>()),
            account: account.to_owned(),
            owner: owner.to_owned(),
            active: true,
            created: self.world.domain().now(),
        }
    }

    /// A new key of a user or of the root, kept under an id that was free.
    pub(crate) async fn make_key(&self, account: &str, owner: &str) -> Result<AccessKey, IamError> {
        for _ in 0..ID_ATTEMPTS {
            let key = self.new_key(account, owner);
            let kept = key.clone();
            if transact(&*self.store, move |tx| access_keys::insert(tx, &kept)).await? {
                return Ok(key);
            }
        }
        Err(IamError::Taken("No id is free for an access key.".to_owned()))
    }

    async fn key(&self, access_key_id: &str) -> Result<Option<Key>, ApiError> {
        // Ids of other makers are not looked for.
        if !access_key_id.starts_with("AKIA") {
            return Ok(None);
        }
        let id = access_key_id.to_owned();
        let found = transact_read(&*self.store, move |tx| -> Result<_, IamError> {
            let Some(key) = access_keys::find(tx, &id)? else { return Ok(None) };
            let owner = access_keys::owner(tx, &key)?;
            Ok(Some((key, owner)))
        });
        let Some((key, owner)) = found.await? else { return Ok(None) };
        let Some(owner) = owner.filter(|_| key.active) else {
            let text = "The security token included in the request is invalid.";
            return Err(ApiError::client(Code::UnrecognizedClient, text));
        };
        let (arn, user_id) = match owner {
            Owner::Root => (format!("arn:aws:iam::{}:root", key.account), key.account.clone()),
            Owner::User(user) => (user.arn(&key.account), user.id),
        };
        let caller = Caller { access_key_id: key.id, arn, user_id, session: None };
        Ok(Some(Key { secret: key.secret, session_token: None, expires: None, account: key.account, caller }))
    }
}

impl Keys for Iam {
    fn find<'a>(&'a self, access_key_id: &'a str) -> BoxFuture<'a, Result<Option<Key>, ApiError>> {
        Box::pin(self.key(access_key_id))
    }

    fn used(&self, access_key_id: &str, service: &str, region: &str) {
        let at = self.world.domain().now();
        let used = LastUsed { at, service: service.to_owned(), region: region.to_owned() };
        self.last_uses.note(access_key_id, used);
    }
}

impl Roles for Iam {
    fn find<'a>(&'a self, role: &'a RoleArn) -> BoxFuture<'a, Result<Option<RoleFacts>, ApiError>> {
        Box::pin(async move {
            let (account, name) = (role.account().to_owned(), role.name().to_owned());
            let found =
                transact_read(&*self.store, move |tx| records::find::<Role>(tx, &account, &name)).await?;
            let found =
                found.filter(|found| found.arn(role.account()).eq_ignore_ascii_case(&role.to_string()));
            Ok(found.map(|found| RoleFacts {
                id: found.id,
                name: found.name,
                trust_policy: found.trust_policy,
                session_seconds_max: found.session_seconds_max,
            }))
        })
    }
}
