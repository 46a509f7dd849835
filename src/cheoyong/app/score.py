# SPDX-License-Identifier: Apache-2.0
"""Scores the river model on hours it was not trained on, beside persistence and climatology."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from cheoyong.app.river_climatology import Climatology
from cheoyong.app.river_events import WITHIN_S, StormEvent, storm_events
from cheoyong.domain.city import CityPack
from cheoyong.domain.errors import ConfigurationError, InvalidInput
from cheoyong.domain.instant import check_range, format_instant, from_datetime
from cheoyong.domain.observation import Float64s, Series
from cheoyong.hazards.river.model import Outlook, RiverModel
from cheoyong.hazards.river.sampling import HOUR_US, known_at
from cheoyong.hazards.river.settings import LEAD_S_MAX, Target, read_targets
from cheoyong.hazards.river.training import train_gauge
from cheoyong.hazards.river.verify import CRPS_PROBABILITY, coverage, crps, nse, rmse
from cheoyong.learn.verification import kge
from cheoyong.links.city_pack.source import city_folder, load_city
from cheoyong.links.hourly_csv.parse import Column, to_series
from cheoyong.links.hourly_csv.source import read_columns, read_table

HIGH_STAGE_M = 2.0
HOUR_S = 3600
_ON_TIME_US = 10 * 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class LeadScore:
    """Scores of one lead over ``n`` forecasts: of the model and of persistence.

    Squared errors are those of the predictive mean, as their optimum (Gneiting 2011, JASA 106(494));
    ``…_high`` is over observations above 2 m, or as asked; ``coverage_90`` the share inside the 5-95 % band;
    the CRPS of persistence is its mean absolute error. Climatology is the mean of the training record by
    month and hour of the day. None when no row was there to score.
    """

    nse: float | None
    rmse_m: float | None
    rmse_high_m: float | None
    crps_m: float | None
    coverage_90: float | None
    n: int
    n_high: int
    persistence_nse: float | None
    persistence_rmse_m: float | None
    persistence_rmse_high_m: float | None
    persistence_crps_m: float | None
    kge: float | None
    coverage_90_high: float | None
    climatology_nse: float | None
    climatology_rmse_m: float | None


@dataclass(frozen=True, slots=True)
class RiverScore:
    """What ``cheoyong score river`` prints: hours → scores, with the model and spans they belong to."""

    model: str
    series: str
    train_until: str
    scored_until: str
    inputs: tuple[str, ...]
    leads: Mapping[str, LeadScore]
    left_out: str | None = None
    events: tuple[StormEvent, ...] | None = None

    def as_json(self) -> dict[str, object]:
        """Plain dictionaries in the order of the fields; ``left_out``, ``events`` only where asked for."""
        plain = asdict(self)
        return {name: plain[name] for name in plain if plain[name] is not None}


def score_files(
    city: str,
    files: tuple[Path, ...],
    train_until: str,
    leads_h: tuple[int, ...],
    series: str | None = None,
    *,
    leave_out: str | None = None,
    events: bool = False,
    high_m: float = HIGH_STAGE_M,
) -> RiverScore:
    """Train on what the hourly CSV files hold before ``train_until``, score what follows.

    ``leave_out`` "START,END" keeps that span out of training and scores it alone. ``events`` adds the storms.
    High water is above ``high_m``.

    ``train_until`` is an ISO 8601 date or date-time; without a zone it is in the city's time. Columns are
    named as in the city's ``history/columns.toml``. ``series`` picks one of several forecast gauges.
    Windows that the city keeps out of training for a replay are not kept out here.
    """
    pack = load_city(city)
    cut_us = parse_cut(train_until, pack.time_zone)
    left_us = None if leave_out is None else _span(leave_out, pack.time_zone)
    history = read_files(city, files)
    return score_history(
        pack, history, cut_us, leads_h, series, leave_out_us=left_us, events=events, high_m=high_m
    )


def read_files(city: str, files: tuple[Path, ...]) -> dict[str, Series]:
    """Series of hourly CSV files whose columns the city's ``history/columns.toml`` names."""
    columns: dict[str, Column] = {}
    for described in read_columns(city_folder(city) / "history" / "columns.toml").values():
        columns |= described
    history: dict[str, Series] = {}
    for path in files:
        found = to_series(read_table(path), columns)
        if not found:
            raise InvalidInput(
                "has no column that the city knows", where=path.name, mend=f"expected {sorted(columns)}"
            )
        history |= found
    return history


def score_history(
    pack: CityPack,
    history: Mapping[str, Series],
    cut_us: int,
    leads_h: tuple[int, ...],
    series: str | None = None,
    *,
    leave_out_us: tuple[int, int] | None = None,
    events: bool = False,
    high_m: float = HIGH_STAGE_M,
) -> RiverScore:
    """The same from series already read; forecasts are issued on the hour from ``cut_us`` on.

    With ``leave_out_us`` (start, end): issued within that span, which training has not seen. High water is
    above ``high_m``.
    """
    shown_s = _leads_s(leads_h)
    needed_s = {*shown_s, *range(HOUR_S, WITHIN_S + 1, HOUR_S)} if events else shown_s
    exclude = () if leave_out_us is None else (leave_out_us,)
    target = replace(pick_target(pack, series), leads_s=tuple(sorted(needed_s)), exclude=exclude)
    own = history.get(target.series)
    if own is None:
        raise InvalidInput("is in none of the files", where=target.series)
    gauge = pack.gauges.get(target.series)
    levels = gauge.levels if gauge and events else ()
    model = train_gauge(target, levels, {name: one.until(cut_us - 1) for name, one in history.items()})
    last_us = int(own.time_us[-1]) if len(own.time_us) else cut_us
    start_us, end_us = leave_out_us or (cut_us, last_us + 1)
    end_us = min(end_us, last_us + 1)
    issued_us = np.arange(-(-start_us // HOUR_US) * HOUR_US, end_us, HOUR_US, dtype=np.int64)
    if len(issued_us) == 0:
        raise InvalidInput("the files end before it: nothing is left to score", where="train-until")
    outlook = model.outlook(history, issued_us)
    usual = Climatology(own.until(cut_us - 1), exclude)
    scores = {}
    for i, lead in enumerate(model.leads):
        if lead.lead_s in shown_s:
            target_us = issued_us + lead.lead_s * 1_000_000
            observed = known_at(own, target_us, _ON_TIME_US)
            usual_m = usual.at(target_us)
            scores[f"{lead.lead_s // HOUR_S}"] = _score(model, outlook, i, observed, usual_m, high_m)
    zone = ZoneInfo(pack.time_zone)
    return RiverScore(
        model.id,
        model.series,
        format_instant(cut_us, zone),
        format_instant(min(end_us, last_us), zone),
        model.inputs,
        scores,
        f"{format_instant(start_us, zone)}/{format_instant(end_us, zone)}" if leave_out_us else None,
        storm_events(model, history, (start_us, end_us), high_m, zone) if events else None,
    )


def _span(text: str, time_zone: str) -> tuple[int, int]:
    """START,END as instants (µs), start before end."""
    parts = text.split(",")
    if len(parts) != 2:
        raise InvalidInput("is not START,END", where="leave-out", mend="write 2016-10-03,2016-10-08")
    start_us, end_us = (parse_cut(part.strip(), time_zone, where="leave-out") for part in parts)
    if start_us >= end_us:
        raise InvalidInput("ends before it starts", where="leave-out")
    return start_us, end_us


def parse_cut(text: str, time_zone: str, where: str = "train-until") -> int:
    """Instant (µs) of an ISO 8601 date or date-time; in ``time_zone`` when it names none.

    >>> parse_cut("2018-01-01", "Asia/Seoul") == parse_cut("2017-12-31T15:00:00Z", "Asia/Seoul")
    True
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{text!r:.40} is not an ISO 8601 date or time", where=where, mend="write 2018-01-01"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(time_zone))
    return check_range(from_datetime(moment), where=where)


def _score(
    model: RiverModel, outlook: Outlook, i: int, observed: Float64s, usual_m: Float64s, high_m: float
) -> LeadScore:
    rows = np.isfinite(observed) & np.isfinite(outlook.centre_m[:, i]) & np.isfinite(outlook.own_now_m)
    came, now = observed[rows], outlook.own_now_m[rows]
    band = model.quantiles_m(outlook, np.array([0.05, 0.95]))[rows, i]
    spectrum = model.quantiles_m(outlook, CRPS_PROBABILITY)[rows, i]
    middle, high = spectrum.mean(axis=1), came > high_m
    return LeadScore(
        nse=_shown(nse(middle, came)),
        rmse_m=_shown(rmse(middle, came)),
        rmse_high_m=_shown(rmse(middle[high], came[high])),
        crps_m=_shown(crps(spectrum, came)),
        coverage_90=_shown(coverage(band[:, 0], band[:, 1], came)),
        n=int(rows.sum()),
        n_high=int(high.sum()),
        persistence_nse=_shown(nse(now, came)),
        persistence_rmse_m=_shown(rmse(now, came)),
        persistence_rmse_high_m=_shown(rmse(now[high], came[high])),
        persistence_crps_m=_shown(float(np.mean(np.abs(now - came))) if len(came) else math.nan),
        kge=_shown(kge(middle, came) if len(came) else math.nan),
        coverage_90_high=_shown(coverage(band[high, 0], band[high, 1], came[high])),
        climatology_nse=_shown(nse(usual_m[rows], came)),
        climatology_rmse_m=_shown(rmse(usual_m[rows], came)),
    )


def _shown(value: float) -> float | None:
    """Six decimals (a micrometre); None for NaN, which JSON does not have."""
    return None if math.isnan(value) else round(value, 6)


def pick_target(pack: CityPack, series: str | None) -> Target:
    """The forecast gauge of that name, the city's first for None; an error names what there is."""
    targets = {target.series: target for target in read_targets(pack)}
    if not targets:
        raise ConfigurationError("forecasts no river", where=f"city {pack.id}", mend="add [hazards.river.…]")
    if series is None:
        return next(iter(targets.values()))
    if series not in targets:
        raise InvalidInput("is not a forecast gauge", where=series, mend=f"one of {sorted(targets)}")
    return targets[series]


def _leads_s(leads_h: tuple[int, ...]) -> tuple[int, ...]:
    hours_max = LEAD_S_MAX // 3600
    if not leads_h or not all(1 <= lead <= hours_max for lead in leads_h):
        raise InvalidInput(f"are not whole hours from 1 to {hours_max}", where="leads")
    return tuple(sorted({lead * 3600 for lead in leads_h}))
