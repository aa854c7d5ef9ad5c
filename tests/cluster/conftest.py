"""A real PostgreSQL and a real Ray for the tests of this folder, started on free ports and ended with them."""

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from core.engine.store import Store

PLACES = ("/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt/postgresql/bin")

NODE = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80_000_000}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def programs() -> Path | None:
    """The folder with initdb and pg_ctl, or None where PostgreSQL is not installed."""
    found = (
        [path for place in PLACES for path in Path(place).glob("**/pg_ctl")] if shutil.which("pg_ctl") is None else []
    )
    path = shutil.which("pg_ctl") or (str(max(found)) if found else None)
    return Path(path).resolve().parent if path else None


@dataclass
class Postgres:
    """A server that this process started, as nobody where it is root, which PostgreSQL refuses to be."""

    folder: Path
    programs: Path
    port: int

    def run(self, program: str, *arguments: str) -> None:
        who = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
        command = [*who, str(self.programs / program), *arguments]
        subprocess.run(command, check=True, timeout=120, cwd="/", stdout=subprocess.DEVNULL)

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c max_connections=60"
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-o", options, "-w", "start")

    def stop(self, how: str = "fast") -> None:
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-m", how, "-w", "stop")

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        name = f"b{uuid.uuid4().hex[:12]}"
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "ballast", name)
        return f"postgresql+psycopg://ballast@127.0.0.1:{self.port}/{name}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed here (Debian: apt install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="ballast-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    server = Postgres(folder, found, free_port())
    try:
        server.run("initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "ballast", "--no-sync")
        server.start()
        yield server
        server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["file", "server"])
def place(request, tmp_path) -> Path | str:
    """Where an empty store may be: a file, then a database of the server."""
    return tmp_path / "a.sqlite" if request.param == "file" else request.getfixturevalue("postgres").fresh()


@pytest.fixture
def store(place) -> Iterator[Store]:
    opened = Store(place)
    yield opened
    opened.close()


@dataclass
class Nodes:
    """A Ray cluster of several nodes on this machine, of so many cores each; its head can be started anew."""

    port: int
    cluster: Cluster | None = None
    address: str = ""  # the same after a new start

    def start(self, others: int = 1) -> None:
        self.cluster = Cluster(initialize_head=True, head_node_args={"gcs_server_port": self.port, **NODE})
        self.address = self.cluster.address
        for _ in range(others):
            self.cluster.add_node(**NODE)

    def stop(self) -> None:
        if self.cluster is not None:
            self.cluster.shutdown()
        self.cluster = None


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    made = Nodes(free_port())
    try:
        made.start()
        yield made
    finally:
        made.stop()
