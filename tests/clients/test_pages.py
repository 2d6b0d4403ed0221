"""The pages of docs/clients, typed as they stand: every `sh` block, in one folder, in order."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT, binary, newest_python, zipped
from test_terraform import mirror

ENDPOINT = "http://127.0.0.1:4566"
PAGE_SECONDS = 240


def commands(page):
    """The blocks of a page as one script, without what installs its client."""
    text = (ROOT / page).read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert blocks, f"{page} has no commands"
    lines = (line for line in "".join(blocks).splitlines() if not re.match(r"(pip|npm) install ", line))
    return "set -euo pipefail\n" + "\n".join(lines) + "\n"


def typed(page, endpoint, folder):
    """What the page's commands print."""
    return ran(commands(f"docs/clients/{page}.md"), endpoint, folder)


def ran(script, endpoint, folder):
    script = script.replace(ENDPOINT, endpoint).replace("python3.12", newest_python())
    programs = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=PAGE_SECONDS, stdin=subprocess.DEVNULL,
        cwd=folder, env={"PATH": programs, "HOME": str(folder), "AWS_PAGER": ""},
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def sdk_of_node():
    """The SDK that `hearth runtimes setup` installed, or None."""
    homes = [os.environ.get("HEARTH_RUNTIMES"), pathlib.Path.home() / ".local/share/hearth/runtimes"]
    found = [path for home in homes if home for path in pathlib.Path(home).glob("sdk-nodejs-*/**/@aws-sdk")]
    return found[0].parent if found else None


def test_the_first_five_minutes_of_the_readme(hearth, lambda_, tmp_path):
    text = (ROOT / "README.md").read_text()
    (function,) = re.findall(r"```sh\n(export .*?)```", text, re.DOTALL)
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (invoke,) = re.findall(r"^target/release/hearth (invoke .*)$", text, re.MULTILINE)
    (tmp_path / "again.py").write_text(program.replace(ENDPOINT, hearth.endpoint))
    own = f"{shlex.quote(binary())} {invoke} --endpoint {hearth.endpoint}"
    printed = ran(f"set -euo pipefail\n{function}\npython3 again.py\n{own}\n", hearth.endpoint, tmp_path)
    lambda_.delete_function(FunctionName="hello")
    assert printed.count('{"greeting": "Hello, Ada"}') == 2 and "{'greeting': 'Hello, Ada'}" in printed


def test_five_minutes_with_the_aws_cli(hearth, tmp_path):
    printed = typed("aws-cli", hearth.endpoint, tmp_path)
    assert re.search(r'{"bytes": [0-9]+}', printed) and '{"key": "2026/1.json", "items": 3}' in printed
    assert printed.count("REPORT RequestId") == 2, "the tail and the log"


def test_five_minutes_with_boto3(hearth, tmp_path):
    printed = typed("boto3", hearth.endpoint, tmp_path)
    assert "{'greeting': 'Hello, Ada'}" in printed and "Unhandled 'name'" in printed
    assert "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody" in printed
    assert "['a/first.py']" in printed and printed.count("hello Ada") == 2


def test_five_minutes_with_node(hearth, tmp_path):
    assert shutil.which("node"), "no Node.js: run scripts/setup.sh clients"
    assert sdk_of_node(), "no SDK: run `hearth runtimes setup`"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if not version.startswith("v20."):
        pytest.skip("the page is written for Node.js 20")
    (tmp_path / "node_modules").symlink_to(sdk_of_node())
    printed = typed("nodejs", hearth.endpoint, tmp_path)
    assert "no error { words: 6 }" in printed and "read a/text.txt" in printed


def test_five_minutes_with_terraform(hearth, tmp_path):
    plugins = mirror()
    if not shutil.which("terraform") or plugins is None:
        pytest.skip("terraform or AWS's provider is not on this machine")
    project = re.search(r"```hcl\n(.*?)```", (ROOT / "docs/clients/terraform.md").read_text(), re.DOTALL)[1]
    (tmp_path / "main.tf").write_text(project.replace("python3.12", newest_python()))
    (tmp_path / "function.zip").write_bytes(zipped({"app.py": "def handler(event, context):\n    return 1\n"}))
    (tmp_path / "rc").write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{plugins}"\n  }}\n}}\n')
    environment = {
        **os.environ, "AWS_ENDPOINT_URL": hearth.endpoint, "TF_CLI_CONFIG_FILE": str(tmp_path / "rc"),
        "CHECKPOINT_DISABLE": "1",
    }  # fmt: skip
    apply, destroy = ["apply", "-auto-approve"], ["destroy", "-auto-approve"]
    for arguments in (["init"], apply, ["plan", "-detailed-exitcode"], destroy):
        done = subprocess.run(
            ["terraform", *arguments, "-no-color", "-input=false"], capture_output=True, text=True, cwd=tmp_path,
            env=environment, timeout=PAGE_SECONDS, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"


def test_the_pages_name_the_commands_that_there_are(hearth):
    pages = "".join(path.read_text() for path in (ROOT / "docs/clients").glob("*.md"))
    for command in set(re.findall(r"`hearth ([a-z]+)", pages)):
        done = subprocess.run([binary(), command, "--help"], capture_output=True, stdin=subprocess.DEVNULL, timeout=30)
        assert done.returncode == 0, command
