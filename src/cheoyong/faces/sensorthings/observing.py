# SPDX-License-Identifier: Apache-2.0
"""Answer a POST of an Observation that brings entities along (a deep insert): all in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from cheoyong.domain.access import Principal
from cheoyong.faces.sensorthings.creating import decode, store
from cheoyong.faces.sensorthings.drafting import is_link
from cheoyong.faces.sensorthings.entities import ENTITIES
from cheoyong.faces.sensorthings.ingest import Ingest, Nested, Scope, Send
from cheoyong.flow.directory import Directory
from cheoyong.flow.joint import Opens

_SETS = {
    "Datastream": "Datastreams",
    "MultiDatastream": "MultiDatastreams",
    "FeatureOfInterest": "FeaturesOfInterest",
}


@dataclass(frozen=True, slots=True)
class Observer:
    """Stores such observations for whoever may observe and register."""

    joints: Opens
    ingest: Ingest
    now_us: Callable[[], int]

    async def observe(
        self, scope: Scope, send: Send, path: str, principal: Principal, nested: Nested
    ) -> None:
        """Answer with what ``Ingest`` answers, after the commit. Raises as ``Creator.create``."""
        principal.require("register")
        body = decode(nested.payload)
        answer: list[dict[str, Any]] = []

        async def keep(message: dict[str, Any]) -> None:
            answer.append(message)

        async with self.joints.open(principal.organisation_id) as joint:
            for name, set_name in _SETS.items():
                if isinstance(body.get(name), dict) and not is_link(body[name]):
                    entity, inner = ENTITIES[set_name], body[name]
                    made = await store(joint, principal, entity, inner, name, self.now_us())
                    body[name] = {"@iot.id": made}
            payload = msgspec.json.encode(body)

            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": payload, "more_body": False}

            unsized = {
                **scope,
                "headers": [item for item in scope["headers"] if item[0] != b"content-length"],
            }
            within = self.ingest.onto(joint, Directory(joint.connection))
            await within.handle(unsized, receive, keep, path, principal)
        for message in answer:
            await send(message)
