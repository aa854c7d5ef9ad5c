"""Set up and start Ballast with nothing but Python's standard library.

python run.py            make .venv, install the pinned requirements, open the dashboard
python run.py test ...   install the development set too and run pytest with what follows
python run.py cli ...    run `python -m core` with what follows, inside .venv

A second start installs nothing: a stamp in .venv names the requirements it was filled from.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def main(arguments: list[str]) -> int:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        print(f"Ballast needs Python 3.11 to 3.13, this is {sys.version.split()[0]}: start it with another one.")
        return 1
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("start", [])
    if verb not in ("start", "test", "cli"):
        print(__doc__)
        return 0 if verb in ("-h", "--help", "help") else 2
    if not install(ROOT / ("requirements-dev.txt" if verb == "test" else "requirements.txt")):
        return 1
    command = {
        "start": [PYTHON, "-m", "streamlit", "run", ROOT / "app.py"],
        "test": [PYTHON, "-m", "pytest"],
        "cli": [PYTHON, "-m", "core"],
    }[verb]
    try:
        return subprocess.call([*map(str, command), *rest], cwd=ROOT)
    except KeyboardInterrupt:
        return 130


def install(requirements: Path) -> bool:
    """Fill .venv from a fully pinned requirements file unless its stamp says that was done."""
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    stamp = VENV / f".{requirements.stem}"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == digest:
        return True
    if not PYTHON.exists() and not make_venv():
        return False
    print(f"Installing {requirements.name} into {VENV.name}: a few minutes and some gigabytes, once.", flush=True)
    uv = shutil.which("uv")
    pip = (
        [uv, "pip", "install", "--python", PYTHON] if uv else [PYTHON, "-m", "pip", "install", "--progress-bar", "off"]
    )
    if subprocess.call([*map(str, pip), "-q", "-r", str(requirements)], cwd=ROOT):
        print(f"The installation failed; what came above says why. Delete {VENV} to start afresh.")
        return False
    stamp.write_text(digest)
    return True


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
