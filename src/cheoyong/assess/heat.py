# SPDX-License-Identifier: Apache-2.0
"""Heat as people feel it, from air temperature and relative humidity; each formula with its source.

Both leave out sun and wind: in the open sun it is hotter than this says. Pure.
"""

from __future__ import annotations

from math import atan, exp, sqrt

#: Feels-like temperature (°C) → what Korean work safety asks for, the hottest first. The rest from 33 °C
#: on is a duty (the rules on occupational safety standards, since 2025-07-17), the others are guidance.
STAGES = ((38.0, "stop"), (35.0, "rest_hourly"), (33.0, "rest_two_hourly"), (31.0, "care"))


def wet_bulb_c(air_c: float, humidity: float) -> float:
    """Wet-bulb temperature (°C) at sea level; humidity in percent, 5-99; air -20 to 50 °C.

    Stull, R. (2011): Wet-Bulb Temperature from Relative Humidity and Air Temperature, J. Appl. Meteor.
    Climatol. 50, 2267-2269, equation 1. Its own example:

    >>> round(wet_bulb_c(20.0, 50.0), 1)
    13.7
    """
    return (
        air_c * atan(0.151977 * sqrt(humidity + 8.313659))
        + atan(air_c + humidity)
        - atan(humidity - 1.676331)
        + 0.00391838 * humidity * sqrt(humidity) * atan(0.023101 * humidity)
        - 4.686035
    )


def feels_like_c(air_c: float, humidity: float) -> float:
    """Summer feels-like temperature (°C), as the Korea Meteorological Administration gives it since 2022.

    At 55 % humidity it is the air temperature; 10 % more are about one degree more.

    >>> round(feels_like_c(33.0, 55.0)), round(feels_like_c(33.0, 75.0))
    (33, 35)
    """
    wet_c = wet_bulb_c(air_c, humidity)
    return -0.2442 + 0.55399 * wet_c + 0.45535 * air_c - 0.0022 * wet_c**2 + 0.00278 * wet_c * air_c + 3.0


def wbgt_c(air_c: float, humidity: float) -> float:
    """Approximate wet-bulb globe temperature (°C) in moderate sun and light wind; humidity in percent.

    Australian Bureau of Meteorology, Thermal comfort observations: 0.567 T + 0.393 e + 3.94 with the vapour
    pressure e in hPa. It was not measured: no black globe is asked.

    >>> round(wbgt_c(30.0, 50.0), 1)
    29.3
    """
    vapour_hpa = humidity / 100 * 6.105 * exp(17.27 * air_c / (237.7 + air_c))
    return 0.567 * air_c + 0.393 * vapour_hpa + 3.94


def stage(feels_c: float) -> str:
    """What is asked for at a feels-like temperature: calm, care, rest_two_hourly, rest_hourly, stop.

    >>> [stage(c) for c in (30.9, 31.0, 33.0, 36.0, 40.0)]
    ['calm', 'care', 'rest_two_hourly', 'rest_hourly', 'stop']
    """
    return next((name for limit, name in STAGES if feels_c >= limit), "calm")
