//! GetAccessKeyInfo: the account of an access key, which its id tells.

use hearth_aws::credentials::account_of_access_key;
use hearth_aws::{ApiError, Cx, Operation, shape};

use crate::Sts;
use crate::error::StsError;

pub(crate) struct GetAccessKeyInfo;

shape! {
    pub(crate) struct Input {
        access_key_id: String,
    }
    pub(crate) struct Output {
        account: String,
    }
}

impl Operation for GetAccessKeyInfo {
    const NAME: &'static str = "GetAccessKeyInfo";
    type State = Sts;
    type Input = Input;
    type Output = Output;

    async fn call(_: &Cx<Sts>, input: Input) -> Result<Output, ApiError> {
        let account = account_of_access_key(&input.access_key_id);
        Ok(Output { account: account.ok_or(StsError::NotAKey(input.access_key_id))? })
    }
}
