"""What all tests share: no network, and where the real data lie."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

_LOCAL = ("127.", "::1", "localhost", "0.0.0.0")


@pytest.fixture(autouse=True, scope="session")
def no_network():
    """Refuse every connection that leaves this machine: the package must not need one."""
    connect = socket.socket.connect

    def guarded(self, address, *rest):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(_LOCAL):
            raise RuntimeError(f"a test reached for the network: {address[0]}")
        return connect(self, address, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the real data sets; skips where there is none."""
    folder = os.environ.get("CLIENTCARE_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("CLIENTCARE_DATA names no folder with the real data sets")
    return Path(folder)
