//! GetSessionToken: temporary credentials of the user or the root who calls.

use hearth_aws::credentials::Session;
use hearth_aws::{ApiError, Cx, Operation, shape};

use super::shown::{CallerKind, Shown, caller_kind, life_of_user, refuse_unsupported};
use crate::Sts;
use crate::error::StsError;

pub(crate) struct GetSessionToken;

shape! {
    pub(crate) struct Input {
        duration_seconds: Option<u32>,
        serial_number: Option<String>,
        token_code: Option<String>,
        minimum_session_token_size: Option<u32>,
    }
    pub(crate) struct Output {
        credentials: Shown,
    }
}

impl Operation for GetSessionToken {
    const NAME: &'static str = "GetSessionToken";
    type State = Sts;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Sts>, input: Input) -> Result<Output, ApiError> {
        let (serial, code) = (input.serial_number.as_deref(), input.token_code.as_deref());
        refuse_unsupported(serial, code, input.minimum_session_token_size)?;
        let (kind, caller) = (caller_kind(cx), &cx.call.caller);
        if kind == CallerKind::Session || caller.session.is_some() {
            return Err(StsError::Session(Self::NAME).into());
        }
        let (now, life) = (cx.world.physical().now(), life_of_user(kind, input.duration_seconds));
        let session = Session::new(&cx.call.account, caller.arn.clone(), caller.user_id.clone(), now, life);
        Ok(Output { credentials: cx.sessions.issue(cx.world.random(), &session).into() })
    }
}
