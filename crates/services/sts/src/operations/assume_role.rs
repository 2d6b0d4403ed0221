//! AssumeRole: credentials of a session of a role.
//!
//! GAP(sts): the role's trust policy is not evaluated yet; who may call is the authorisation's to say.

use std::time::Duration;

use hearth_aws::credentials::{RoleFacts, Session};
use hearth_aws::names::RoleArn;
use hearth_aws::{ApiError, Cx, Operation, shape};

use super::restrictions::{Given, restrictions};
use super::shown::{CallerKind, PolicyDescriptor, Shown, Tag, caller_kind, refuse_unsupported};
use crate::Sts;
use crate::error::StsError;

pub(crate) struct AssumeRole;

/// When nothing is asked for, and the longest session when a role assumes a role.
const SECONDS: u32 = 3_600;

/// The longest session of a role that nobody created.
const SECONDS_MAX: u32 = 43_200;

shape! {
    pub(crate) struct Input {
        role_arn: String,
        role_session_name: String,
        policy_arns: Option<Vec<PolicyDescriptor>>,
        policy: Option<String>,
        duration_seconds: Option<u32>,
        tags: Option<Vec<Tag>>,
        transitive_tag_keys: Option<Vec<String>>,
        serial_number: Option<String>,
        token_code: Option<String>,
        source_identity: Option<String>,
        provided_contexts: Option<Vec<hearth_aws::Document>>,
        minimum_session_token_size: Option<u32>,
    }
    pub(crate) struct Output {
        credentials: Shown,
        assumed_role_user: AssumedRoleUser,
        packed_policy_size: Option<u32>,
        source_identity: Option<String>,
    }
    pub(crate) struct AssumedRoleUser {
        assumed_role_id: String,
        arn: String,
    }
}

impl Operation for AssumeRole {
    const NAME: &'static str = "AssumeRole";
    type State = Sts;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Sts>, input: Input) -> Result<Output, ApiError> {
        let (serial, code) = (input.serial_number.as_deref(), input.token_code.as_deref());
        refuse_unsupported(serial, code, input.minimum_session_token_size)?;
        if input.provided_contexts.is_some() {
            return Err(StsError::NotSupported("ProvidedContexts").into());
        }
        let role = RoleArn::parse(&input.role_arn).ok_or_else(|| StsError::Arn(input.role_arn.clone()))?;
        let facts = cx.roles.find(&role).await?;
        check_existence(cx, &role, facts.as_ref())?;
        let life = life(cx, facts.as_ref(), input.duration_seconds)?;
        let caller = cx.call.caller.session.as_deref();
        let source_identity = source_identity(cx, &role, input.source_identity)?;
        let given = Given {
            policy: input.policy,
            policy_arns: input.policy_arns,
            tags: input.tags,
            transitive_tag_keys: input.transitive_tag_keys,
        };
        let restrictions = restrictions(given, caller)?;
        let packed = restrictions.packed_percent();

        let name = &input.role_session_name;
        let (role_id, arn) = match facts {
            Some(facts) => (facts.id, RoleArn::new(role.account(), "/", &facts.name).session(name)),
            None => (RoleFacts::derived_id(&role), role.session(name)),
        };
        let now = cx.world.physical().now();
        let session = Session::new(role.account(), arn.clone(), format!("{role_id}:{name}"), now, life);
        let session = Session { source_identity: source_identity.clone(), restrictions, ..session };
        let assumed_role_user = AssumedRoleUser { assumed_role_id: session.user_id.clone(), arn };
        Ok(Output {
            credentials: cx.sessions.issue(cx.world.random(), &session).into(),
            assumed_role_user,
            packed_policy_size: u32::try_from(packed).ok().filter(|percent| *percent > 0),
            source_identity,
        })
    }
}

/// AWS does not tell a role that is missing from one that may not be assumed.
fn check_existence(cx: &Cx<Sts>, role: &RoleArn, facts: Option<&RoleFacts>) -> Result<(), StsError> {
    if !cx.options.roles_must_exist {
        return Ok(());
    }
    if caller_kind(cx) == CallerKind::Root {
        return Err(StsError::Root);
    }
    let denied = || StsError::Denied {
        caller: cx.call.caller.arn.clone(),
        action: "sts:AssumeRole",
        resource: role.to_string(),
    };
    facts.map(drop).ok_or_else(denied)
}

fn life(cx: &Cx<Sts>, facts: Option<&RoleFacts>, asked: Option<u32>) -> Result<Duration, StsError> {
    let seconds = asked.unwrap_or(SECONDS);
    if caller_kind(cx) == CallerKind::Session && seconds > SECONDS {
        return Err(StsError::Chained);
    }
    if seconds > facts.map_or(SECONDS_MAX, |facts| facts.session_seconds_max) {
        return Err(StsError::Duration);
    }
    Ok(Duration::from_secs(seconds.into()))
}

/// Who once said who they are stays that through all roles.
fn source_identity(cx: &Cx<Sts>, role: &RoleArn, asked: Option<String>) -> Result<Option<String>, StsError> {
    let known = cx.call.caller.session.as_deref().and_then(|session| session.source_identity.clone());
    match (known, asked) {
        (Some(known), Some(asked)) if known != asked => Err(StsError::Denied {
            caller: cx.call.caller.arn.clone(),
            action: "sts:SetSourceIdentity",
            resource: role.to_string(),
        }),
        (Some(known), _) => Ok(Some(known)),
        (None, asked) => Ok(asked),
    }
}
