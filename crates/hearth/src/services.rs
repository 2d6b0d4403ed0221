//! The services that this program serves: the one list.

use std::sync::Arc;

use hearth_aws::{Service, Sessions};
use hearth_service_iam::Iam;
use hearth_service_lambda::Lambda;
use hearth_service_sts::{Sts, StsDeps};
use hearth_world::World;

/// All services over their states. `roles_must_exist` is what tells `serve` from `up`.
pub fn all(
    lambda: &Arc<Lambda>,
    iam: &Arc<Iam>,
    sessions: &Arc<Sessions>,
    world: &World,
    roles_must_exist: bool,
) -> Vec<Service> {
    let sts = Sts::open(StsDeps {
        sessions: sessions.clone(),
        roles: iam.clone(),
        world: world.clone(),
        options: hearth_service_sts::Options { roles_must_exist },
    });
    vec![
        hearth_service_lambda::service(lambda.clone()),
        hearth_service_iam::service(iam.clone()),
        hearth_service_sts::service(sts),
    ]
}
