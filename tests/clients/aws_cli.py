"""The AWS CLI, imported once and forked for every command line: its start alone takes most of a second of a CPU.

Run by the CLI's own interpreter. Each line of stdin is a command as JSON; each line of stdout an exit code.
"""

import json
import os
import sys


def become(asked):
    """The program `aws` with these arguments, in its own folder, environment and files. Does not come back."""
    os.chdir(asked["folder"])
    for name, value in asked["environment"].items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    for number, (path, mode) in enumerate(asked["files"]):
        os.dup2(os.open(path, mode, 0o600), number)
    sys.stdin = open(0, closefd=False)
    sys.argv = ["aws", *asked["arguments"]]
    try:
        code = awscli.clidriver.main()
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    import awscli.clidriver

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            become(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
