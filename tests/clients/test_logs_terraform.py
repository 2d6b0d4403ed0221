"""The calls of Terraform's AWS provider for the log resources, in their order: what it wrote is what it reads back."""

import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

REGION_ACCOUNT = "us-east-1:000000000000"
SHIPS = "def handler(event, context):\n    pass\n"


@pytest.fixture
def logs(hearth):
    config = Config(retries={"total_max_attempts": 1})
    return boto3.client("logs", endpoint_url=hearth.endpoint, config=config)


@pytest.fixture
def name():
    return f"/terraform/{uuid.uuid4()}"


def read(logs, name):
    """DescribeLogGroups by prefix, of which the provider takes the one of this very name; then its tags."""
    groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    (group,) = [group for group in groups if group["logGroupName"] == name]
    assert group["arn"] == f"arn:aws:logs:{REGION_ACCOUNT}:log-group:{name}:*"
    arn = group["arn"].removesuffix(":*")
    return {
        "name": group["logGroupName"],
        "retention_in_days": group.get("retentionInDays", 0),
        "log_group_class": group["logGroupClass"],
        "kms_key_id": group.get("kmsKeyId", ""),
        "tags": logs.list_tags_for_resource(resourceArn=arn)["tags"],
    }


def test_a_log_group_is_applied_planned_clean_changed_imported_and_destroyed(logs, name):
    state = {
        "name": name,
        "retention_in_days": 14,
        "log_group_class": "STANDARD",
        "kms_key_id": "",
        "tags": {"team": "a", "empty": ""},
    }
    logs.create_log_group(logGroupName=name, logGroupClass="STANDARD", tags=state["tags"])
    # A longer name with the same beginning is another resource.
    logs.create_log_group(logGroupName=name + "-other")
    logs.put_retention_policy(logGroupName=name, retentionInDays=14)
    assert read(logs, name) == state, "a plan after the apply is clean"
    assert read(logs, name) == state, "and after an import, which knows nothing but the name"

    arn = f"arn:aws:logs:{REGION_ACCOUNT}:log-group:{name}"
    logs.delete_retention_policy(logGroupName=name)
    logs.untag_resource(resourceArn=arn, tagKeys=["empty"])
    logs.tag_resource(resourceArn=arn, tags={"team": "b"})
    assert read(logs, name) == {**state, "retention_in_days": 0, "tags": {"team": "b"}}

    logs.delete_log_group(logGroupName=name)
    assert name not in [group["logGroupName"] for group in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]]
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.delete_log_group(logGroupName=name)
    logs.delete_log_group(logGroupName=name + "-other")


def test_a_log_stream(logs, name):
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    (stream,) = logs.describe_log_streams(logGroupName=name, logStreamNamePrefix="s")["logStreams"]
    assert stream["arn"] == f"arn:aws:logs:{REGION_ACCOUNT}:log-group:{name}:log-stream:s"
    logs.delete_log_stream(logGroupName=name, logStreamName="s")
    assert logs.describe_log_streams(logGroupName=name, logStreamNamePrefix="s")["logStreams"] == []
    logs.delete_log_group(logGroupName=name)


@pytest.mark.parametrize(
    "pattern, published",
    [
        ("ERROR", {"metricValue": "1", "unit": "None"}),
        ("", {"metricValue": "1", "defaultValue": 0.0, "unit": "Count"}),
        ("{ $.level = * }", {"metricValue": "$.ms", "dimensions": {"Level": "$.level"}, "unit": "None"}),
    ],
)
def test_a_metric_filter(logs, name, pattern, published):
    logs.create_log_group(logGroupName=name)
    transformation = {"metricName": "Errors", "metricNamespace": "App", **published}
    resource = {"logGroupName": name, "filterName": "errors", "filterPattern": pattern}
    logs.put_metric_filter(**resource, metricTransformations=[transformation])
    (shown,) = logs.describe_metric_filters(logGroupName=name, filterNamePrefix="errors")["metricFilters"]
    assert {key: shown[key] for key in resource} == resource
    assert shown["metricTransformations"] == [transformation]
    assert shown["creationTime"] > 0 and logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]["metricFilterCount"] == 1

    changed = {**transformation, "metricName": "Failures"}
    logs.put_metric_filter(**resource, metricTransformations=[changed])
    (shown,) = logs.describe_metric_filters(logGroupName=name, filterNamePrefix="errors")["metricFilters"]
    assert shown["metricTransformations"] == [changed]

    logs.delete_metric_filter(logGroupName=name, filterName="errors")
    assert logs.describe_metric_filters(logGroupName=name, filterNamePrefix="errors")["metricFilters"] == []
    logs.delete_log_group(logGroupName=name)
    with pytest.raises(ClientError) as gone:
        logs.describe_metric_filters(logGroupName=name, filterNamePrefix="errors")
    assert gone.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_subscription_filter(logs, lambda_, function, name):
    logs.create_log_group(logGroupName=name)
    arn = lambda_.get_function_configuration(FunctionName=function(SHIPS))["FunctionArn"]
    resource = {
        "logGroupName": name, "filterName": "ship", "filterPattern": "[level, ...]", "destinationArn": arn,
        "distribution": "ByLogStream",
    }  # fmt: skip
    logs.put_subscription_filter(**resource)
    (shown,) = logs.describe_subscription_filters(logGroupName=name, filterNamePrefix="ship")["subscriptionFilters"]
    assert {key: shown[key] for key in resource} == resource and "roleArn" not in shown
    logs.delete_subscription_filter(logGroupName=name, filterName="ship")
    assert logs.describe_subscription_filters(logGroupName=name)["subscriptionFilters"] == []
    logs.delete_log_group(logGroupName=name)
