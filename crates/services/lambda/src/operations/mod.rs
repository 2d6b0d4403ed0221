//! The operations of the Lambda API: one file each, one line each.

mod code_signing;
mod create_function;
mod delete_function;
mod delete_layer_version;
mod get_account_settings;
mod get_function;
mod get_function_configuration;
mod get_layer_version;
mod invoke;
mod list_functions;
mod list_layer_versions;
mod list_layers;
mod list_versions_by_function;
mod nothing;
mod publish_layer_version;
mod recursion;
mod runtime_management;
mod tags;
mod update_function_code;
mod update_function_configuration;

use std::sync::Arc;

use hearth_aws::Service;

use crate::Lambda;

/// The operations that are built.
pub fn service(state: Arc<Lambda>) -> Service {
    let service = Service::new("lambda")
        .with::<create_function::CreateFunction>(&state)
        .with::<delete_function::DeleteFunction>(&state)
        .with::<delete_layer_version::DeleteLayerVersion>(&state)
        .with::<get_account_settings::GetAccountSettings>(&state)
        .with::<get_function::GetFunction>(&state)
        .with::<get_function_configuration::GetFunctionConfiguration>(&state)
        .with::<get_layer_version::GetLayerVersion>(&state)
        .with::<get_layer_version::GetLayerVersionByArn>(&state)
        .with::<invoke::Invoke>(&state)
        .with::<list_functions::ListFunctions>(&state)
        .with::<list_layer_versions::ListLayerVersions>(&state)
        .with::<list_layers::ListLayers>(&state)
        .with::<list_versions_by_function::ListVersionsByFunction>(&state)
        .with::<publish_layer_version::PublishLayerVersion>(&state)
        .with::<recursion::GetFunctionRecursionConfig>(&state)
        .with::<recursion::PutFunctionRecursionConfig>(&state)
        .with::<runtime_management::GetRuntimeManagementConfig>(&state)
        .with::<runtime_management::PutRuntimeManagementConfig>(&state)
        .with::<tags::ListTags>(&state)
        .with::<tags::TagResource>(&state)
        .with::<tags::UntagResource>(&state)
        .with::<update_function_code::UpdateFunctionCode>(&state)
        .with::<update_function_configuration::UpdateFunctionConfiguration>(&state);
    nothing(service, &state)
}

/// The reads of what no function has.
fn nothing(service: Service, state: &Arc<Lambda>) -> Service {
    service
        .with::<code_signing::DeleteCodeSigningConfig>(state)
        .with::<code_signing::DeleteFunctionCodeSigningConfig>(state)
        .with::<code_signing::GetCodeSigningConfig>(state)
        .with::<code_signing::ListCodeSigningConfigs>(state)
        .with::<code_signing::ListFunctionsByCodeSigningConfig>(state)
        .with::<code_signing::PutFunctionCodeSigningConfig>(state)
        .with::<nothing::GetAlias>(state)
        .with::<nothing::GetFunctionCodeSigningConfig>(state)
        .with::<nothing::GetFunctionConcurrency>(state)
        .with::<nothing::GetFunctionEventInvokeConfig>(state)
        .with::<nothing::GetFunctionUrlConfig>(state)
        .with::<nothing::GetPolicy>(state)
        .with::<nothing::ListAliases>(state)
        .with::<nothing::ListFunctionEventInvokeConfigs>(state)
        .with::<nothing::ListFunctionUrlConfigs>(state)
        .with::<nothing::ListProvisionedConcurrencyConfigs>(state)
}
