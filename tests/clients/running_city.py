# SPDX-License-Identifier: Apache-2.0
"""What the tests of foreign clients are given of the installation they speak to."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from serving import Person, Serving


@dataclass
class City:
    """A running installation its administrator, and a key that may register, observe and read."""

    serving: Serving
    admin: Person
    key: str
    http: httpx.Client

    @property
    def root(self) -> str:
        """The address of the service, ``http://127.0.0.1:PORT/v1.1``."""
        return f"{self.serving.url}/v1.1"
