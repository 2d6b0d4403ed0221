//! The operations of the Lambda API: one file each, one line each.

mod create_function;
mod delete_function;
mod get_function;
mod get_function_configuration;
mod invoke;
mod list_functions;
mod update_function_code;
mod update_function_configuration;

use std::sync::Arc;

use hearth_aws::Service;

use crate::Lambda;

/// The operations that are built.
pub fn service(state: Arc<Lambda>) -> Service {
    Service::new("lambda")
        .with::<create_function::CreateFunction>(&state)
        .with::<delete_function::DeleteFunction>(&state)
        .with::<get_function::GetFunction>(&state)
        .with::<get_function_configuration::GetFunctionConfiguration>(&state)
        .with::<invoke::Invoke>(&state)
        .with::<list_functions::ListFunctions>(&state)
        .with::<update_function_code::UpdateFunctionCode>(&state)
        .with::<update_function_configuration::UpdateFunctionConfiguration>(&state)
}
