"""Set up and start Ballast with nothing but Python's standard library.

python run.py            make .venv, install the pinned requirements, open the dashboard
python run.py start ...  the same, with options of streamlit, as --server.port 8600
python run.py start --share   let others in, by links that it prints: docs/sharing.md
python run.py test ...   install the development set too, see to a browser, run pytest with what follows
python run.py check      ruff check, ruff format --check and mypy, of the same set
python run.py audit      ask whether what is pinned has known faults; exit code 10 when no registry answers
python run.py cli ...    run `python -m core` with what follows, inside .venv

A second start installs nothing: a stamp in .venv names the requirements it was filled from. uv installs where it is
there or can be had from the package index, pip otherwise. `test` ends with pytest's exit code, or with 10 where all
that ran passed but there was no browser for some tests: the last line then says which, and how to get one.
"""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path

import browser

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
UV = ROOT / "requirements-uv.txt"
SHARE = "--share"
REGISTRY = "https://pypi.org/pypi/pip-audit/json"
AUDIT = ("pip-audit", "--require-hashes", "--disable-pip")
CHECKS = (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"])
# what pip is told by its own configuration → how uv is told the same, and what stands between several values
TOLD = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("ALL_PROXY", " "),
}


def main(arguments: list[str]) -> int:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        print(f"Ballast needs Python 3.11 to 3.13, this is {sys.version.split()[0]}: start it with another one.")
        return 1
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("start", [])
    if verb not in ("start", "test", "check", "audit", "cli"):
        print(__doc__)
        return 0 if verb in ("-h", "--help", "help") else 2
    if not install(ROOT / ("requirements-dev.txt" if verb in ("test", "check") else "requirements.txt")):
        return 1
    if verb == "test":
        browser.provide(PYTHON)
    if verb == "start" and SHARE in rest:
        rest = sharing(rest)
    if verb == "audit":
        return audit()
    commands = {
        "start": [["streamlit", "run", str(ROOT / "serve.py"), *rest]],
        "test": [["pytest", *rest]],
        "check": CHECKS,
        "cli": [["core", *rest]],
    }[verb]
    try:
        return max([subprocess.call([str(PYTHON), "-m", *command], cwd=ROOT) for command in commands], key=abs)
    except KeyboardInterrupt:
        return 130


def audit() -> int:
    """Compare what is pinned with known faults; 10 when there is nobody to ask."""
    if not answers(REGISTRY):
        print(f"No registry answers at {REGISTRY}: whether the requirements have known faults was not asked.")
        return browser.UNRUN
    uv = shutil.which("uv")
    command = [*([uv] if uv else [str(PYTHON), "-m", "uv"]), "tool", "run", *AUDIT, "-r", "requirements.txt"]
    return subprocess.call(command, cwd=ROOT)


def answers(address: str) -> bool:
    """Whether anybody answers there."""
    try:
        with urllib.request.urlopen(address, timeout=10):
            return True
    except OSError:
        return False


def sharing(options: list[str]) -> list[str]:
    """The options of a server that the network reaches; who may come in is decided at its door."""
    os.environ["BALLAST_ACCESS"] = "token"
    rest = [option for option in options if option != SHARE]
    wanted = {"--server.address": "0.0.0.0", "--server.headless": "true", "--client.showErrorDetails": "none"}
    given = {option.partition("=")[0] for option in rest}
    return [*rest, *(word for pair in wanted.items() if pair[0] not in given for word in pair)]


def install(requirements: Path) -> bool:
    """Fill .venv from a fully pinned requirements file unless its stamp says that was done."""
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    stamp = VENV / f".{requirements.stem}"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == digest:
        return True
    if not PYTHON.exists() and not make_venv():
        return False
    print(f"Installing {requirements.name} into {VENV.name}: some minutes and gigabytes, once.", flush=True)
    if not (installed_by_uv(requirements) or installed_by_pip(requirements)):
        print(f"The installation failed; what came above says why. Delete {VENV} to start afresh.")
        return False
    stamp.write_text(digest)
    return True


def installed_by_uv(requirements: Path) -> bool:
    """Install with the uv that is here, or with one put into .venv, from where pip is told to look."""
    uv = shutil.which("uv")
    if uv is None and not installed_by_pip(UV, "--only-binary", ":all:"):  # building uv would take longer than pip
        print("uv cannot be had: pip installs, more slowly.", flush=True)
        return False
    command = [*([uv] if uv else [str(PYTHON), "-m", "uv"]), "pip", "install", "-q", "--python", str(PYTHON)]
    order = ["--index-strategy", "unsafe-best-match"]  # as pip: any index may serve; the hashes say what is right
    environment = {**told_to_pip(), **os.environ}  # what uv was told by its own variables stays
    if subprocess.call([*command, *order, "-r", str(requirements)], env=environment) == 0:
        return True
    print("uv could not install it: pip tries.", flush=True)
    return False


def installed_by_pip(requirements: Path, *options: str) -> bool:
    command = [str(PYTHON), "-m", "pip", "install", "-q", "--progress-bar", "off", *options, "-r", str(requirements)]
    return subprocess.call(command) == 0


def told_to_pip() -> dict[str, str]:
    """Pip's configuration for installing, as the variables by which uv takes the same."""
    listed = subprocess.run([str(PYTHON), "-m", "pip", "config", "list"], capture_output=True, text=True)
    values = dict(line.split("=", 1) for line in listed.stdout.splitlines() if "=" in line)
    told = {}
    for section in ("global", "install", ":env:"):  # the later one wins, as in pip
        for option, (variable, between) in TOLD.items():
            if (value := values.get(f"{section}.{option}")) is not None:
                told[variable] = between.join(str(ast.literal_eval(value)).split())
    return told


def make_venv() -> bool:
    """Create .venv with pip in it; say what to install where Debian left that out."""
    try:
        venv.create(VENV, with_pip=True, clear=VENV.exists())
    except (subprocess.CalledProcessError, OSError) as error:
        shutil.rmtree(VENV, ignore_errors=True)
        print(f"Could not make {VENV}: {error}\nOn Debian and Ubuntu: sudo apt install python3-venv, then start again.")
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
