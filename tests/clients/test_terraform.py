"""Terraform with AWS's provider: what is applied plans clean, changes in place, is imported and destroyed."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import zipped

PROJECT = pathlib.Path(__file__).parent / "terraform"
PROVIDER = "registry.terraform.io/hashicorp/aws"
# No API gives these back: on AWS as well, an import leaves them for the next apply.
NEVER_READ = {
    "aws_lambda_function": {"filename", "source_code_hash", "publish", "s3_bucket", "s3_key", "s3_object_version"},
    "aws_iam_role": {"force_detach_policies"},
    "aws_cloudwatch_log_group": {"skip_destroy"},
    "aws_s3_bucket": {"force_destroy"},
    "aws_s3_object": {"source", "source_hash", "force_destroy", "acl", "content", "etag"},
}
# Only a new version can differ in these.
REPLACED_AFTER_IMPORT = {"aws_lambda_layer_version"}


def mirror():
    """A folder with AWS's provider, where this machine has one: it is not fetched for a test (150 MB)."""
    named = os.environ.get("HEARTH_TERRAFORM_MIRROR")
    usual = ["~/.terraform.d/plugins", "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"]
    places = [named] if named else [*usual, *map(str, pathlib.Path("/opt").glob("*"))]
    found = (pathlib.Path(place).expanduser() for place in places)
    return next((place for place in found if (place / PROVIDER).is_dir()), None)


class Project:
    """A copy of the project in tests/clients/terraform."""

    def __init__(self, folder, endpoint, plugins):
        self.folder = folder
        for file in PROJECT.glob("*.tf"):
            shutil.copy(file, folder)
        (folder / "terraformrc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{plugins}"\n  }}\n}}\n'
        )
        self.environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": endpoint,
            "TF_CLI_CONFIG_FILE": str(folder / "terraformrc"),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }
        self.package("function.zip", {"app.py": "import kept\n\ndef handler(event, context):\n    return kept.VALUE\n"})
        self.package("layer.zip", {"python/kept.py": "VALUE = 'of the layer'\n"})
        self.run("init", "-input=false")

    def package(self, name, files):
        (self.folder / name).write_bytes(zipped(files))

    def run(self, *arguments, status=0):
        done = subprocess.run(
            ["terraform", arguments[0], "-no-color", *arguments[1:]],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == status, f"terraform {arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def apply(self, *variables):
        self.run("apply", "-input=false", "-auto-approve", *variables)

    def is_clean(self, *variables):
        # 0 is no change, 1 an error, 2 changes.
        self.run("plan", "-input=false", "-detailed-exitcode", *variables, status=0)

    def planned(self, *variables):
        """What the next apply would do, by resource."""
        self.run("plan", "-input=false", "-out=planned", *variables)
        plan = json.loads(self.run("show", "-json", "planned"))
        return {change["address"]: change["change"] | {"type": change["type"]} for change in plan["resource_changes"]}


@pytest.fixture
def project(hearth, tmp_path):
    if not shutil.which("terraform"):
        pytest.skip("terraform is not on this machine: https://developer.hashicorp.com/terraform/install")
    plugins = mirror()
    if plugins is None:
        pytest.skip("AWS's Terraform provider is not on this machine: `terraform providers mirror DIR` brings it, "
                    "HEARTH_TERRAFORM_MIRROR=DIR names it")  # fmt: skip
    return Project(tmp_path, hearth.endpoint, plugins)


def differing(change):
    """The attributes that a planned change differs in."""
    before, after = change["before"] or {}, change["after"] or {}
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


@pytest.mark.timeout(600)
def test_a_project_is_applied_changed_imported_and_destroyed(project, lambda_, client):
    project.apply()
    assert json.loads(project.run("output", "-json"))["account"]["value"] == "000000000000"
    assert json.load(lambda_.invoke(FunctionName="terraformed")["Payload"]) == "of the layer"
    assert json.load(lambda_.invoke(FunctionName="terraformed-of-an-object")["Payload"]) == "of the layer"
    project.is_clean()

    project.package("function.zip", {"app.py": "def handler(event, context):\n    return 'changed'\n"})
    changed = ["-var=memory=256", "-var=retention=30"]
    project.apply(*changed)
    project.is_clean(*changed)
    assert json.load(lambda_.invoke(FunctionName="terraformed")["Payload"]) == "changed"
    assert json.load(lambda_.invoke(FunctionName="terraformed-of-an-object")["Payload"]) == "changed"
    text = client("s3").get_object(Bucket="terraformed-objects", Key="logs/first line.txt")
    assert (text["Body"].read(), text["ContentType"]) == (b"kept for 30 days", "text/plain")
    assert lambda_.get_function_configuration(FunctionName="terraformed")["MemorySize"] == 256

    (project.folder / "terraform.tfstate").unlink()
    shutil.copy(PROJECT / "imports.tf.later", project.folder / "imports.tf")
    for address, change in project.planned(*changed).items():
        if change["actions"] == ["read"]:
            continue
        assert "importing" in change, f"{address} is not found: {change}"
        if change["type"] not in REPLACED_AFTER_IMPORT:
            assert change["actions"] in (["no-op"], ["update"]), f"{address}: {change['actions']}"
            left = differing(change) - NEVER_READ.get(change["type"], set()) - set(change["after_unknown"])
            assert not left, f"{address} differs in {left}"
    project.run("apply", "-input=false", "-auto-approve", *changed)
    project.is_clean(*changed)

    project.run("destroy", "-input=false", "-auto-approve", *changed)
    assert "terraformed" not in [f["FunctionName"] for f in lambda_.list_functions()["Functions"]]
    groups = client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/terraformed")["logGroups"]
    assert "/aws/lambda/terraformed" not in [group["logGroupName"] for group in groups]
    assert "terraformed-objects" not in [b["Name"] for b in client("s3").list_buckets()["Buckets"]]
    with pytest.raises(client("iam").exceptions.NoSuchEntityException):
        client("iam").get_role(RoleName="terraformed")
