//! Who is told of what happens in a bucket. Checked as S3 checks it; nobody can be told yet.

use s3s::dto::{Event, NotificationConfiguration, NotificationConfigurationFilter};

use super::error::ConfigError;

/// Events that S3 tells of, by its reference.
const EVENTS: [&str; 27] = [
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:ReducedRedundancyLostObject",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:Replication:OperationNotTracked",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
    "s3:ObjectAcl:Put",
];

/// An empty configuration takes back what there was. Any other is refused: its events would not be told.
pub(crate) fn check(config: &NotificationConfiguration) -> Result<(), ConfigError> {
    let lambda = config.lambda_function_configurations.iter().flatten();
    let queue = config.queue_configurations.iter().flatten();
    let topic = config.topic_configurations.iter().flatten();
    let all = (lambda.map(|one| ("lambda", &one.lambda_function_arn, &one.events, &one.filter)))
        .chain(queue.map(|one| ("sqs", &one.queue_arn, &one.events, &one.filter)))
        .chain(topic.map(|one| ("sns", &one.topic_arn, &one.events, &one.filter)));
    let mut any = config.event_bridge_configuration.is_some();
    for (service, arn, events, filter) in all {
        check_arn(service, arn)?;
        check_events(events)?;
        check_filter(filter.as_ref())?;
        any = true;
    }
    if any {
        // GAP(s3-notifications): events reach functions, queues, topics and EventBridge later.
        return Err(ConfigError::NotBuilt(
            "Notifications are not built in Hearth: nobody would be told of this bucket's events.".to_owned(),
        ));
    }
    Ok(())
}

fn check_arn(service: &str, arn: &str) -> Result<(), ConfigError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let good = matches!(parts[..], ["arn", partition, of, _, _, resource]
        if partition.starts_with("aws") && of == service && !resource.is_empty());
    if good {
        Ok(())
    } else {
        Err(ConfigError::argument("The ARN could not be parsed", "arn", arn.to_owned()))
    }
}

fn check_events(events: &[Event]) -> Result<(), ConfigError> {
    if events.is_empty() {
        return Err(ConfigError::MalformedXml);
    }
    match events.iter().find(|event| !EVENTS.contains(&event.as_ref())) {
        None => Ok(()),
        Some(event) => Err(ConfigError::argument(
            "The event is not supported for notifications",
            "Event",
            event.as_ref().to_owned(),
        )),
    }
}

fn check_filter(filter: Option<&NotificationConfigurationFilter>) -> Result<(), ConfigError> {
    let rules = filter.and_then(|filter| filter.key.as_ref()).and_then(|key| key.filter_rules.as_ref());
    let mut seen = Vec::new();
    for rule in rules.into_iter().flatten() {
        let name = rule.name.as_ref().map(|name| name.as_str().to_ascii_lowercase()).unwrap_or_default();
        if name != "prefix" && name != "suffix" {
            return Err(ConfigError::argument(
                "filter rule name must be either prefix or suffix",
                "FilterRule.Name",
                name,
            ));
        }
        if seen.contains(&name) {
            let message = format!("Cannot specify more than one {name} rule in a filter.");
            return Err(ConfigError::argument(message, "FilterRule.Name", name));
        }
        seen.push(name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::decode;

    fn outcome(body: &str) -> String {
        let xml = format!("<NotificationConfiguration>{body}</NotificationConfiguration>");
        let checked = decode::<NotificationConfiguration>(xml.as_bytes()).and_then(|config| check(&config));
        checked.map_or_else(|error| format!("{}: {error}", error.code()), |()| "good".to_owned())
    }

    #[test]
    fn a_configuration_is_checked_and_refused_because_nobody_is_told() {
        let queue = |arn: &str, event: &str, rules: &str| {
            outcome(&format!(
                "<QueueConfiguration><Queue>{arn}</Queue><Event>{event}</Event><Filter><S3Key>{rules}</S3Key></Filter>\
                 </QueueConfiguration>"
            ))
        };
        let rule = |name: &str| format!("<FilterRule><Name>{name}</Name><Value>a</Value></FilterRule>");
        let arn = "arn:aws:sqs:us-east-1:000000000000:q";
        assert_eq!(outcome(""), "good");
        assert!(outcome("<EventBridgeConfiguration/>").starts_with("NotImplemented"));
        assert!(queue(arn, "s3:ObjectCreated:*", &rule("Prefix")).starts_with("NotImplemented"));
        assert_eq!(queue("q", "s3:ObjectCreated:*", ""), "InvalidArgument: The ARN could not be parsed");
        assert_eq!(
            queue(arn, "s3:Fake", ""),
            "InvalidArgument: The event is not supported for notifications"
        );
        assert_eq!(
            queue(arn, "s3:ObjectCreated:*", &rule("middle")),
            "InvalidArgument: filter rule name must be either prefix or suffix"
        );
        assert_eq!(
            queue(arn, "s3:ObjectCreated:*", &rule("suffix").repeat(2)),
            "InvalidArgument: Cannot specify more than one suffix rule in a filter."
        );
    }
}
