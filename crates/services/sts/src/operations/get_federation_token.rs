//! GetFederationToken: temporary credentials for somebody whom the caller vouches for.

use hearth_aws::credentials::Session;
use hearth_aws::{ApiError, Cx, Operation, shape};

use super::restrictions::{Given, restrictions};
use super::shown::{CallerKind, PolicyDescriptor, Shown, Tag, caller_kind, life_of_user, refuse_unsupported};
use crate::Sts;
use crate::error::StsError;

pub(crate) struct GetFederationToken;

shape! {
    pub(crate) struct Input {
        name: String,
        policy: Option<String>,
        policy_arns: Option<Vec<PolicyDescriptor>>,
        duration_seconds: Option<u32>,
        tags: Option<Vec<Tag>>,
        minimum_session_token_size: Option<u32>,
    }
    pub(crate) struct Output {
        credentials: Shown,
        federated_user: FederatedUser,
        packed_policy_size: Option<u32>,
    }
    pub(crate) struct FederatedUser {
        federated_user_id: String,
        arn: String,
    }
}

impl Operation for GetFederationToken {
    const NAME: &'static str = "GetFederationToken";
    type State = Sts;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Sts>, input: Input) -> Result<Output, ApiError> {
        refuse_unsupported(None, None, input.minimum_session_token_size)?;
        let kind = caller_kind(cx);
        if kind == CallerKind::Session || cx.call.caller.session.is_some() {
            return Err(StsError::Session(Self::NAME).into());
        }
        let given = Given {
            policy: input.policy,
            policy_arns: input.policy_arns,
            tags: input.tags,
            transitive_tag_keys: None,
        };
        let restrictions = restrictions(given, None)?;
        let packed = restrictions.packed_percent();
        let (account, name) = (&cx.call.account, &input.name);
        let arn = format!("arn:aws:sts::{account}:federated-user/{name}");
        let (now, life) = (cx.world.physical().now(), life_of_user(kind, input.duration_seconds));
        let session = Session::new(account, arn.clone(), format!("{account}:{name}"), now, life);
        let session = Session { restrictions, ..session };
        let federated_user = FederatedUser { federated_user_id: session.user_id.clone(), arn };
        Ok(Output {
            credentials: cx.sessions.issue(cx.world.random(), &session).into(),
            federated_user,
            packed_policy_size: u32::try_from(packed).ok().filter(|percent| *percent > 0),
        })
    }
}
