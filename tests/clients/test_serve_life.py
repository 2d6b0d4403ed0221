"""How `hearth serve` starts, renews its certificate, ends, and starts again."""

import contextlib
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile
import urllib.request

from conftest import binary, wait_until
from served import certificate, create, served


def test_a_restart_keeps_everything_and_prints_no_key():
    with served() as server:
        create(server, "kept")
        before = pathlib.Path(server.ready["CertificateAuthority"]).read_text()
        key = server.key
        assert server.stop() == 0
        server.start()
        assert not any("RootAccessKey" in line for line in server.lines) and server.key == key
        assert pathlib.Path(server.ready["CertificateAuthority"]).read_text() == before
        answer = server.client("lambda").invoke(FunctionName="kept", Payload=b"3")
        assert answer["Payload"].read() == b"3"


def test_a_server_whose_spawner_dies_ends_and_starts_again():
    with served() as server:
        create(server, "again")
        children = pathlib.Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        spawner = next(pid for pid in children if b"__spawner" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(int(spawner), signal.SIGKILL)
        assert server.process.wait(timeout=60) == 1
        assert "the spawner died" in server.complaints()
        server.start()
        answer = server.client("lambda").invoke(FunctionName="again", Payload=b"4")
        assert answer["Payload"].read() == b"4"


def test_an_unpacked_package_that_no_function_needs_leaves_the_disk():
    with served() as server:
        lambda_ = create(server, "gone")
        code = server.data / "code"
        assert len(list(code.iterdir())) == 1
        lambda_.invoke(FunctionName="gone", Payload=b"1")
        lambda_.delete_function(FunctionName="gone")
        wait_until(lambda: free(server) and not list(code.iterdir()))
        create(server, "again")  # the same package, unpacked anew
        assert len(list(code.iterdir())) == 1
        assert "Permission denied" not in server.complaints()


def free(server):
    """Lets garbage go without its grace, as `hearth disk --free` does."""
    token = (server.data / "token").read_text().strip()
    request = urllib.request.Request(
        f"{server.endpoint}/_hearth/garbage", method="POST", headers={"Authorization": f"Bearer {token}"}
    )
    context = ssl.create_default_context(cafile=server.ready["CertificateAuthority"])
    with urllib.request.urlopen(request, timeout=60, context=context) as answer:
        return answer.status == 200


def shown(server):
    host, port = server.endpoint.removeprefix("https://").split(":")
    return ssl.get_server_certificate((host, int(port)))


def test_an_operators_certificate_is_shown_and_read_again_at_sighup():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        cert, key = certificate(pathlib.Path(folder))
        with served("--tls-cert", str(cert), "--tls-key", str(key)) as server:
            assert server.ready["CertificateAuthority"] is None
            first = cert.read_text()
            assert shown(server) == first
            certificate(pathlib.Path(folder))
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: shown(server) == cert.read_text())
            second = cert.read_text()
            assert second != first
            cert.write_text("nothing")
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "the certificate before stays in use" in server.complaints())
            assert shown(server) == second


def refused(*options):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        usual = {"--listen": "127.0.0.1:0", "--data": f"{folder}/data"}
        usual = [text for name, value in usual.items() if name not in options for text in (name, value)]
        done = subprocess.run([binary(), "serve", *usual, *options], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and done.stdout == "", done.stdout
        assert done.stderr.count("\n") == 1, done.stderr
        return done.stderr


def test_what_is_wrong_is_told_in_one_line_before_anything_is_served():
    assert "without TLS the server listens on loopback alone" in refused("--no-tls", "--listen", "0.0.0.0:0")
    assert "does not run as user 0" in refused("--user", "root")
    assert "has no such user" in refused("--user", "nobody-has-this-name")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        cert, key = certificate(pathlib.Path(folder))
        assert "holds no certificate" in refused("--tls-cert", str(key), "--tls-key", str(key))
        os.chmod(key, 0o600)
        text = refused("--tls-cert", str(cert), "--tls-key", str(key))
        assert "read the private key" in text and "as user" in text and "Permission denied" in text
        other = pathlib.Path(folder) / "other"
        other.mkdir()
        _, foreign = certificate(other)
        assert "certificate with its private key" in refused("--tls-cert", str(cert), "--tls-key", str(foreign))
    with tempfile.TemporaryDirectory() as folder:  # 0700: the server's user cannot reach what is below
        assert f"does not reach {folder}/data: open everything on the way" in refused("--data", f"{folder}/data")


def test_behind_a_proxy_plain_http_is_served_on_loopback():
    with served("--no-tls") as server:
        assert server.endpoint.startswith("http://127.0.0.1:")
        server.ready["CertificateAuthority"] = None
        assert server.client("sts").get_caller_identity()["Account"] == "000000000000"


@contextlib.contextmanager
def up(data):
    """A running `hearth up` with this data folder."""
    command = [binary(), "up", "--listen", "127.0.0.1:0", "--data", str(data)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline().startswith("ready http://")
            yield
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0


def test_a_folder_of_up_stays_one_when_serve_does_not_start():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        data = pathlib.Path(folder) / "data"

        def owners():
            return {(path.name, path.stat().st_uid, path.stat().st_mode) for path in [data, *data.iterdir()]}

        with up(data):
            before = owners()
            assert "is used by another server" in refused("--data", str(data))
            assert owners() == before
        assert "Permission denied" in refused("--data", str(data), "--tls-cert", "/root/c", "--tls-key", "/root/k")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            assert f"cannot listen on {address}" in refused("--data", str(data), "--listen", address)
        with up(data):
            assert data.stat().st_uid == 0


def test_what_is_in_a_folder_that_is_not_hearths_is_neither_removed_nor_given_away():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        kept = pathlib.Path(folder) / "code" / "kept.txt"
        kept.parent.mkdir()
        kept.write_text("mine")
        assert "it holds code: name an empty or a new folder" in refused("--data", folder)
        done = subprocess.run([binary(), "up", "--listen", "127.0.0.1:0", "--data", folder], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "it holds code: name an empty or a new folder" in done.stderr
        assert kept.read_text() == "mine" and kept.stat().st_uid == 0
        assert os.listdir(folder) == ["code"] and os.stat(folder).st_mode & 0o7777 == 0o755


def test_packages_that_the_servers_user_cannot_keep_are_told_at_the_start():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        assert f"--blobs {folder}: user " in refused("--blobs", folder)


def test_up_leaves_the_folder_of_serve_alone():
    with served() as server:
        assert server.stop() == 0
        done = subprocess.run(
            [binary(), "up", "--listen", "127.0.0.1:0", "--data", str(server.data)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 1 and "belongs to `hearth serve`" in done.stderr
