//! GetAccountSettings: the account's limits in this region, and what it uses of them.

use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::transact_read;

use crate::Lambda;
use crate::error::FunctionError;
use crate::functions::{self, Owner};
use crate::limits::{CODE_UNZIPPED_BYTES_MAX, CODE_ZIPPED_BYTES_MAX};

/// Functions that are counted in one transaction.
const PAGE: u32 = 500;

pub(crate) struct GetAccountSettings;

shape! {
    pub(crate) struct Input {}
    pub(crate) struct Output {
        account_limit: AccountLimit,
        account_usage: AccountUsage,
    }
    pub(crate) struct AccountLimit {
        total_code_size: i64,
        code_size_unzipped: i64,
        code_size_zipped: i64,
        concurrent_executions: u32,
        unreserved_concurrent_executions: u32,
    }
    pub(crate) struct AccountUsage {
        total_code_size: i64,
        function_count: i64,
    }
}

impl Operation for GetAccountSettings {
    const NAME: &'static str = "GetAccountSettings";
    type State = Lambda;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Lambda>, _: Input) -> Result<Output, ApiError> {
        let owner = Owner::of(&cx.call);
        let key = owner.clone();
        let used = transact_read(&*cx.store, move |tx| functions::code_usage(tx, &key)).await?;
        let concurrent = cx.options.concurrent_executions_of(&owner.account);
        Ok(Output {
            account_limit: AccountLimit {
                total_code_size: size(cx.options.code_storage_bytes_of(&owner.account)),
                code_size_unzipped: size(CODE_UNZIPPED_BYTES_MAX),
                code_size_zipped: size(CODE_ZIPPED_BYTES_MAX),
                concurrent_executions: concurrent,
                // GAP(concurrency): nothing can be reserved yet.
                unreserved_concurrent_executions: concurrent,
            },
            account_usage: AccountUsage {
                total_code_size: size(used),
                function_count: count(cx, &owner).await?,
            },
        })
    }
}

async fn count(cx: &Cx<Lambda>, owner: &Owner) -> Result<i64, FunctionError> {
    let (mut count, mut after) = (0, None);
    loop {
        let (owner, last) = (owner.clone(), after);
        let page =
            transact_read(&*cx.store, move |tx| functions::page(tx, &owner, last.as_ref(), PAGE)).await?;
        count += page.functions.len() as i64;
        if !page.more {
            return Ok(count);
        }
        after = page.functions.into_iter().next_back().map(|function| function.name);
    }
}

fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
