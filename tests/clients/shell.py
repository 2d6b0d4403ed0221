"""Command lines of the AWS CLI as they are typed, with both versions of it.

Nothing is put between the user and the program but the endpoint: Debian's version 2 is older than AWS_ENDPOINT_URL.
"""

import json
import os
import pathlib
import shlex
import subprocess

from conftest import aws_environment, aws_program

LINE_SECONDS = 100


class Shell:
    """A folder, a server, and one version of the AWS CLI."""

    def __init__(self, endpoint, folder, version, **environment):
        self.endpoint, self.folder, self.version = endpoint, folder, version
        self.environment = aws_environment() | environment
        self.printed, self.complained = folder / ".stdout", folder / ".stderr"
        self.forks = self._forks()

    def _forks(self):
        """The CLI's own interpreter with the CLI in it; None where `aws` is no script."""
        start = pathlib.Path(aws_program(self.version)).read_bytes()[:200]
        if not start.startswith(b"#!"):
            return None
        interpreter = start[2:].split(b"\n")[0].decode().split()
        script = pathlib.Path(__file__).with_name("aws_cli.py")
        return subprocess.Popen(
            [*interpreter, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.environment
        )

    def close(self):
        if self.forks:
            self.forks.stdin.close()
            self.forks.wait(timeout=30)

    def arguments(self, line):
        program, *arguments = shlex.split(line)
        assert program == "aws", line
        return ["--endpoint-url", self.endpoint, *arguments]

    def start(self, line):
        """A process of its own for a line that goes on."""
        return subprocess.Popen(
            [aws_program(self.version), *self.arguments(line)],
            cwd=self.folder, env=self.environment | {"PYTHONUNBUFFERED": "1"}, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, line, stdin=os.devnull, **environment):
        """The exit code, stdout and stderr of a line; a variable that is None is not there."""
        if self.forks is None:
            process = self.start(line)
            out, err = process.communicate(timeout=LINE_SECONDS)
            return process.returncode, out, err
        write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        asked = {
            "arguments": self.arguments(line),
            "folder": str(self.folder),
            "environment": environment,
            "files": [(str(stdin), os.O_RDONLY), (str(self.printed), write), (str(self.complained), write)],
        }
        self.forks.stdin.write(json.dumps(asked) + "\n")
        self.forks.stdin.flush()
        code = int(self.forks.stdout.readline())
        return code, self.printed.read_text(), self.complained.read_text()

    def __call__(self, line, **options):
        """What a line prints, read where it is JSON."""
        code, out, err = self.run(line, **options)
        assert code == 0, f"{line}\n{err}"
        return json.loads(out) if out.startswith(("{", "[")) else out

    def refused(self, line, **options):
        """The error of a line that does not succeed: the service's, told by the client."""
        code, _, err = self.run(line, **options)
        assert code in (254, 255), f"{line}\n{err}"  # version 2 and version 1
        assert "An error occurred (" in err, err
        return err.strip()

    def done_or_named(self, line):
        """What Hearth may not have yet is refused by its name, and once it is there, it works."""
        code, out, err = self.run(line)
        if code != 0:
            assert code in (254, 255) and "Hearth yet" in err, f"{line}\n{err}"


class Row:
    """A command line as it is typed, and what its output must be. Rows run in their order, each after those above it."""

    def __init__(self, line, check=lambda out: True, *, version=None, named=False, error=None):
        self.line, self.check = line, check
        self.version = version  # the one that knows the command: the other says itself that it does not
        self.named = named  # what Hearth may not have yet
        self.error = error  # the error that the service must answer

    def __str__(self):
        return " ".join(self.line.split()[1:4])

    def typed(self, shell, **words):
        line = self.line
        for word, value in words.items():
            line = line.replace("{%s}" % word, value)
        if self.version not in (None, shell.version):
            code, _, err = shell.run(line)
            assert code in (2, 252, 255) and "An error occurred" not in err, f"{line}\n{err}"
        elif self.named:
            shell.done_or_named(line)
        elif self.error:
            assert self.error in shell.refused(line)
        else:
            out = shell(line)
            assert self.check(out), f"{line}\n{out}"
