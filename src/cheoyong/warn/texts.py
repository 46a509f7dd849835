# SPDX-License-Identifier: Apache-2.0
"""The words of warnings, Korean and English: plain, short, saying what the water will do.

A Korean sentence has at most 15 어절, an English one at most 20 words; filled-in names are short.
``water_will`` and ``act`` are by crisis level (1-4). What the water does at a level is assumed from
common Korean river practice; a city that knows better says so in its pack
(``hazards.river.<series>.water_will``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cheoyong.domain.level import Status


@dataclass(frozen=True, slots=True)
class Phrases:
    """The sentences of one hazard in one language; ``{names}`` are filled by ``wording.compose``."""

    tag: str
    event: str
    headline_expected: str
    headline_observed: str
    headline_cancel: str
    source: str
    expected: str
    observed: str
    relative: str
    level: str
    probability: str
    people: str
    vulnerable: str
    until: str
    cancel: str
    cancel_level: str
    cancel_act: str
    update: str
    water_will: Mapping[int, str]
    act: Mapping[int, str]


MARKERS: Mapping[Status, Mapping[str, str]] = {
    Status.ACTUAL: {"ko": "", "en": ""},
    Status.EXERCISE: {"ko": "[훈련] ", "en": "[EXERCISE] "},
    Status.SYSTEM: {"ko": "[시스템] ", "en": "[SYSTEM] "},
    Status.TEST: {"ko": "[시험] ", "en": "[TEST] "},
    Status.DRAFT: {"ko": "[초안] ", "en": "[DRAFT] "},
}

_RIVER_KO = Phrases(
    tag="ko-KR",
    event="하천 홍수",
    headline_expected="{place} 물이 {clock}쯤 {level}에 닿을 것으로 보입니다.",
    headline_observed="{place} 물이 {level}에 닿았습니다.",
    headline_cancel="{place} 홍수 알림을 거둡니다.",
    source="{sender}에서 알립니다.",
    expected="{gauge} 수위가 {when}쯤 {limit}에 닿을 것으로 보입니다.",
    observed="{gauge} 수위가 {when}에 {limit}에 닿았습니다.",
    relative="{base}부터 약 {ahead} 뒤입니다.",
    level="이 높이는 {level}입니다.",
    probability="계산한 가능성은 {percent}%입니다.",
    people="{place}에 접한 {towns}개 동에 {people}명이 삽니다.",
    vulnerable="그 가운데 65세 이상은 {over_65}명, 7세 미만은 {under_7}명입니다.",
    until="이 알림은 {until}까지 유효합니다.",
    cancel="{gauge} 수위가 {when} 현재 {limit} 아래에 있습니다.",
    cancel_level="{level}에 다시 닿을 위험은 지나간 것으로 보입니다.",
    cancel_act="강가와 물이 빠진 길은 아직 미끄러우니 조심하십시오.",
    update="앞서 보낸 알림을 이 알림으로 바꿉니다.",
    water_will={
        1: "그 높이에서는 강물이 불어나고 물살이 빨라집니다.",
        2: "그 높이에서는 강물이 둔치와 산책로, 강변 주차장을 덮습니다.",
        3: "그 높이에서는 강변의 낮은 길과 지하차도가 물에 잠길 수 있습니다.",
        4: "그 높이에서는 강물이 둑을 넘어 집과 지하 공간에 들어올 수 있습니다.",
    },
    act={
        1: "강가에서 떨어져 계십시오. 다음 알림을 확인하십시오.",
        2: "둔치와 산책로에서 지금 나오십시오. 강변 주차장의 차는 물이 오기 전에 옮기십시오. "
        "이미 물이 찼으면 차를 두고 나오십시오.",
        3: "강변과 지하 공간에서 지금 나와 높은 곳으로 가십시오. 물이 찬 길은 걷거나 운전하지 마십시오. "
        "혼자 움직이기 어려운 이웃을 도와 주십시오.",
        4: "지금 높은 곳으로 대피하십시오. 지하 공간과 지하차도에는 들어가지 마십시오. "
        "나갈 수 없으면 높은 층으로 올라가 119에 알리십시오.",
    },
)

_RIVER_EN = Phrases(
    tag="en-US",
    event="River flood",
    headline_expected="{place}: water will likely reach the {level} about {clock}.",
    headline_observed="{place}: water has reached the {level}.",
    headline_cancel="{place}: the flood alert is cancelled.",
    source="This alert is from {sender}.",
    expected="Water at {gauge} will likely reach {limit} about {when}.",
    observed="Water at {gauge} reached {limit} at {when}.",
    relative="That is about {ahead} after {base}.",
    level="This height is the {level}.",
    probability="The calculated chance is {percent}%.",
    people="{people} people live in the {towns} towns along {place}.",
    vulnerable="Of them {over_65} are 65 or older and {under_7} are under seven.",
    until="This alert holds until {until}.",
    cancel="Water at {gauge} is below {limit} at {when}.",
    cancel_level="The danger of reaching the {level} again appears to be over.",
    cancel_act="Take care near the river, where paths are still slippery.",
    update="This alert replaces the one sent before.",
    water_will={
        1: "At that height the river runs high and fast.",
        2: "At that height water covers the riverside parks, paths and car parks.",
        3: "At that height water may flood low riverside roads and underpasses.",
        4: "At that height water may come over the embankments into homes and basements.",
    },
    act={
        1: "Stay away from the river. Watch for the next alert.",
        2: "Leave the riverside parks and paths now. "
        "Move cars from riverside car parks before the water comes. "
        "If water is already there, leave the car.",
        3: "Leave the riverside and basements now and go to higher ground. "
        "Do not walk or drive on flooded roads. Help neighbours who cannot move alone.",
        4: "Go to higher ground now. Do not enter basements or underpasses. "
        "If you cannot leave, go to an upper floor and call 119.",
    },
)

PHRASES: Mapping[str, Mapping[str, Phrases]] = {"river": {"ko": _RIVER_KO, "en": _RIVER_EN}}
