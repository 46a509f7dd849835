# SPDX-License-Identifier: Apache-2.0
"""A small made-up city for the tests of warnings: one river, one gauge, three towns."""

from __future__ import annotations

from uuid import UUID

from cheoyong.domain.city import CityPack, Gauge, Level, QualityRules, Reach, Town
from cheoyong.domain.fact import (
    AlarmStep,
    Crossing,
    Fact,
    Forecast,
    Impact,
    TownImpact,
    make_fact,
)
from cheoyong.domain.identity import fact_id
from cheoyong.domain.instant import parse_instant
from cheoyong.domain.level import CrisisLevel, Priority, Status
from cheoyong.warn.danger import danger_from_forecast
from cheoyong.warn.draft import propose

NOW_US = parse_instant("2016-10-05T10:00:00+09:00")
SERIES = "moon_stage_m"
RING = ((129.30, 35.54), (129.34, 35.54), (129.34, 35.56), (129.30, 35.56), (129.30, 35.54))
INCIDENT = fact_id(NOW_US, "incident", "1:river:moon_stage_m")


def _level(id_: str, ko: str, en: str, limit: float, crisis: CrisisLevel) -> Level:
    return Level(id_, {"ko": ko, "en": en}, limit, crisis, Priority.HIGH, "made up for tests", True)


LEVELS = (
    _level("terrace", "둔치 침수", "Riverside park flooding", 3.5, CrisisLevel.ATTENTION),
    _level("advisory", "홍수주의보", "Flood advisory", 4.5, CrisisLevel.CAUTION),
    _level("warning", "홍수경보", "Flood warning", 5.5, CrisisLevel.ALERT),
    _level("overflow", "계획홍수위", "Design flood", 6.5, CrisisLevel.SERIOUS),
)

CITY = CityPack(
    id="moon",
    name={"ko": "달빛시", "en": "Moon City"},
    time_zone="Asia/Seoul",
    languages=("ko", "en"),
    metric_crs="EPSG:5187",
    box=(129.0, 35.3, 129.5, 35.8),
    sender="alerts@moon.example",
    sender_name={"ko": "달빛시 재난안전대책본부", "en": "Moon City Safety Centre"},
    gauges={
        SERIES: Gauge(
            SERIES,
            "moon-bridge",
            {"ko": "달빛교", "en": "Moon Bridge"},
            "stage",
            "m",
            129.31,
            35.55,
            "made up",
            QualityRules(),
            LEVELS,
        )
    },
    towns={
        code: Town(code, {"ko": ko, "en": en}, (RING,), 10_000, 1_500, 400)
        for code, ko, en in (
            ("T1", "물가동", "Waterside"),
            ("T2", "버들동", "Willow"),
            ("T3", "언덕동", "Hill"),
        )
    },
    reaches=(
        Reach("moon-lower", {"ko": "달빛강 하류", "en": "Lower Moon River"}, SERIES, ("T1", "T2"), "made up"),
    ),
    hazards={"river": {}},
)

IMPACT = Impact(
    "river",
    SERIES,
    "advisory",
    "moon-lower",
    (TownImpact("T1", 12_000, 1_800, 500), TownImpact("T2", 345, 50, 5)),
    12_345,
    1_850,
    505,
    3.2,
)


def forecast(
    *probabilities: tuple[str, tuple[float, ...]],
    at_us: int = NOW_US,
    maturity: str = "advisory",
    organisation_id: int = 1,
) -> Fact:
    """A forecast fact with the given crossing probabilities at 1, 2, 3 and 6 h."""
    crossings = tuple(
        Crossing(
            name,
            CITY.level(SERIES, name).limit,
            CITY.level(SERIES, name).crisis_level,
            (3600, 7200, 10800, 21600),
            p,
        )
        for name, p in probabilities
    )
    body = Forecast("river", "test", SERIES, at_us, (3600,), (0.5,), ((1.0,),), crossings, maturity=maturity)
    return make_fact(
        body, key=f"{SERIES}:f", organisation_id=organisation_id, about_us=at_us, recorded_us=at_us
    )


def alarm(rule: str, step: str, at_us: int = NOW_US, cause: str = "level") -> Fact:
    """One step of an alarm of the gauge."""
    crisis = int(CITY.level(SERIES, rule).crisis_level) if cause == "level" else 0
    body = AlarmStep(
        fact_id(0, "alarm", rule), cause, step, SERIES, rule, "high", crisis, at_us, value=4.6, limit=4.5
    )
    return make_fact(body, key=f"{rule}:{step}", organisation_id=1, about_us=at_us, recorded_us=at_us)


def drafted(status: Status = Status.EXERCISE, incident: UUID = INCIDENT) -> Fact:
    """The draft for a flood advisory expected at 11:30."""
    fact = forecast(("advisory", (0.3, 0.7, 0.8, 0.9)))
    danger = danger_from_forecast(fact, "advisory", CITY, incident)
    assert danger is not None
    made = propose(danger, IMPACT, CITY, (RING,), status=status, now_us=NOW_US)
    assert made is not None
    return made
