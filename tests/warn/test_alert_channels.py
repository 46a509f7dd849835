# SPDX-License-Identifier: Apache-2.0
"""Exercise and Actual never share a way out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cheoyong.domain.errors import ConfigurationError, Forbidden, NotFound
from cheoyong.domain.level import Status
from cheoyong.warn.channels import (
    CHANNELS,
    EXERCISE_FEED,
    PUBLIC_FEED,
    Binding,
    Channel,
    channel_named,
    channels_for,
    check_separate,
)


@given(st.sampled_from(list(Status)), st.sampled_from(CHANNELS))
def test_F24_a_status_binds_to_a_channel_exactly_when_the_channel_carries_it(status, channel):
    if status in channel.statuses:
        assert Binding(status, channel).channel is channel
    else:
        with pytest.raises(Forbidden):
            Binding(status, channel)


@given(st.frozensets(st.sampled_from(list(Status))))
def test_F24_no_channel_can_be_made_that_carries_actual_beside_another_status(statuses):
    if not statuses or (Status.ACTUAL in statuses and len(statuses) > 1):
        with pytest.raises(ConfigurationError):
            Channel("x", statuses, "/x", "x")
    else:
        assert Channel("x", statuses, "/x", "x").statuses == statuses


def test_F24_actual_and_exercise_share_neither_path_nor_credential():
    check_separate(CHANNELS)
    assert channels_for(Status.ACTUAL) == (PUBLIC_FEED,)
    assert channels_for(Status.EXERCISE) == (EXERCISE_FEED,)
    for status in (Status.SYSTEM, Status.TEST, Status.DRAFT):
        assert channels_for(status) == ()


@pytest.mark.parametrize("shared", ["path", "credential", "id"])
def test_F24_channels_that_would_share_a_door_are_a_configuration_error(shared):
    fields = {"id": "drill", "path": "/drill", "credential": "drill"}
    fields[shared] = getattr(PUBLIC_FEED, shared)
    with pytest.raises(ConfigurationError, match=shared):
        check_separate((PUBLIC_FEED, Channel(statuses=frozenset({Status.EXERCISE}), **fields)))


def test_an_unknown_channel_is_not_found():
    assert channel_named("public_cap_feed") is PUBLIC_FEED
    with pytest.raises(NotFound):
        channel_named("loudspeaker")
