//! The services that this program serves: the one list.

use std::sync::Arc;

use hearth_aws::Service;
use hearth_service_iam::Iam;
use hearth_service_lambda::Lambda;
use hearth_service_sts::Sts;

/// All services over their states.
pub fn all(lambda: &Arc<Lambda>, iam: &Arc<Iam>) -> Vec<Service> {
    vec![
        hearth_service_lambda::service(lambda.clone()),
        hearth_service_iam::service(iam.clone()),
        hearth_service_sts::service(Sts::open()),
    ]
}
