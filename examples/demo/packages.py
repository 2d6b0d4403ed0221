"""The photograph and the packages of the functions, made as a user of each language makes them, and kept in
.hearth/demo for the next time."""

import hashlib
import shutil
import zipfile

from tools import CACHE, ROOT, run, say

# The photograph: china.jpg, 640 x 427, of the scikit-learn wheel (a picture by Mark Lord, CC BY 2.0).
SCIKIT_LEARN = "scikit-learn==1.7.2"
PHOTOGRAPH = "sklearn/datasets/images/china.jpg"
PILLOW = "pillow==11.3.0"
PIP = ("python3", "-m", "pip", "--quiet", "--disable-pip-version-check")
ZIP = ("python3", "-m", "zipfile", "-c")


def kept(name, *made_from):
    """Where a file is kept, and whether it is there, made from just this."""
    CACHE.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(b"\0".join(part if isinstance(part, bytes) else part.encode() for part in made_from))
    path = CACHE / name.replace("*", digest.hexdigest()[:12])
    if path.exists():
        say(f"{path.relative_to(ROOT)} is there from an earlier time")
    return path, path.exists()


def fresh(name):
    folder = CACHE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def photograph():
    path, there = kept("china.jpg", PHOTOGRAPH)
    if not there:
        folder = fresh("scikit-learn")
        run(
            *PIP, "download", "--no-deps", "--only-binary=:all:", "--python-version", "3.12", "--dest", folder,
            SCIKIT_LEARN,
        )  # fmt: skip
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
            path.write_bytes(archive.read(PHOTOGRAPH))
        shutil.rmtree(folder)
    return path


def pillow_layer(version):
    """A layer with Pillow for a version of Python: what lies in `python` is found by `import`."""
    path, there = kept(f"pillow-{version}-*.zip", PILLOW)
    if not there:
        folder = fresh("pillow")
        run(
            *PIP, "install", "--target", "python", "--no-deps", "--no-compile", "--only-binary=:all:",
            "--python-version", version, PILLOW, cwd=folder,
        )  # fmt: skip
        run(*ZIP, path, "python", cwd=folder)
        shutil.rmtree(folder)
    return path


def python_function():
    source = ROOT / "examples/thumbnail-python"
    path, there = kept("thumbnail-python-*.zip", (source / "thumbnail.py").read_bytes())
    if not there:
        run(*ZIP, path, "thumbnail.py", cwd=source)
    return path


def node_function():
    source = ROOT / "examples/thumbnail-nodejs"
    names = ["index.mjs", "package.json", "package-lock.json"]
    path, there = kept("thumbnail-nodejs-*.zip", *((source / name).read_bytes() for name in names))
    if not there:
        folder = fresh("nodejs")
        for name in names:
            shutil.copy(source / name, folder)
        run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder)
        run(*ZIP, path, *names, "node_modules", cwd=folder)
        shutil.rmtree(folder)
    return path


def rust_function():
    source = ROOT / "examples/thumbnail-rust"
    names = ["Cargo.toml", "Cargo.lock", "src/main.rs"]
    path, there = kept("thumbnail-rust-*.zip", *((source / name).read_bytes() for name in names))
    if not there:
        target = CACHE / "rust-target"
        say("compiling the function in Rust (a minute the first time)")
        run(
            "cargo", "build", "--release", "--locked", "--no-default-features", "--target-dir", target, cwd=source,
        )  # fmt: skip
        run(*ZIP, path, "bootstrap", cwd=target / "release")
    return path
