// SPDX-License-Identifier: Apache-2.0
// What was known, or expected, at one instant: the screen as it stood when the time line is moved. Pure.
import type { CrisisLevel, Flag, Forecast, Gauge, Level, Observed, Reading } from './facts';
import type { World } from './fold';

/** What to show for a gauge at an instant. */
export interface Shown {
  series: string;
  value: number | null;
  /** When it was measured; for an expectation, the instant it is for. */
  time_us: number | null;
  age_us: number | null;
  flag: Flag;
  stale: boolean;
  /** Set when the value is a forecast's median, with its 5-95 % range. */
  expected: { low: number; high: number; issued_us: number } | null;
  level: Level | null;
  crisis_level: CrisisLevel;
  /** Change over the last hour, in the gauge's unit; null when unknown. */
  change_1h: number | null;
}

const HOUR_US = 3600 * 1_000_000;

/** The last index at or before an instant, or -1. */
export function lastIndex(time_us: number[], at_us: number): number {
  let low = 0;
  let high = time_us.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (time_us[middle]! <= at_us) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The forecast that was the newest at an instant, no older than seven hours. */
export function forecastAt(issued: Forecast[] | undefined, at_us: number): Forecast | null {
  if (!issued?.length) return null;
  const index = lastIndex(issued.map((f) => f.issued_us), at_us);
  const found = issued[index];
  return found && at_us - found.issued_us <= 7 * HOUR_US ? found : null;
}

/** Low, middle and high value a forecast gives for an instant, or null outside its leads. */
export function expectedAt(forecast: Forecast | null, at_us: number): { low: number; mid: number; high: number } | null {
  if (!forecast) return null;
  const lead_s = (at_us - forecast.issued_us) / 1e6;
  const leads = forecast.lead_s;
  const first = leads[0];
  const last = leads.at(-1);
  if (first === undefined || last === undefined || lead_s < first || lead_s > last) return null;
  const right = leads.findIndex((lead) => lead >= lead_s);
  const left = Math.max(right - 1, 0);
  const span = leads[right]! - leads[left]!;
  const part = span > 0 ? (lead_s - leads[left]!) / span : 1;
  const at = (column: number) =>
    forecast.value[left]![column]! * (1 - part) + forecast.value[right]![column]! * part;
  return { low: at(nearest(forecast.quantile, 0.05)), mid: at(nearest(forecast.quantile, 0.5)), high: at(nearest(forecast.quantile, 0.95)) };
}

/** Column of the quantile nearest to a probability. */
export function nearest(quantile: number[], wanted: number): number {
  let best = 0;
  quantile.forEach((q, i) => {
    if (Math.abs(q - wanted) < Math.abs(quantile[best]! - wanted)) best = i;
  });
  return best;
}

/** The highest level a value has reached, or null. */
export function levelAt(levels: Level[], value: number | null): Level | null {
  if (value === null) return null;
  return levels.filter((level) => value >= level.limit).sort((a, b) => b.limit - a.limit)[0] ?? null;
}

/** What must be known to show gauges at an instant. */
export type Known = Pick<World, 'readings' | 'history' | 'forecasts' | 'then'> & { clock: Pick<World['clock'], 'now_us'> };

/** A gauge as of an instant. `follow` is true when the screen shows now. */
export function shownAt(world: Known, gauge: Gauge, at_us: number, follow: boolean): Shown {
  const observed = world.history[gauge.series];
  const reading = world.readings[gauge.series];
  const now_us = world.clock.now_us;
  if (!follow && at_us > now_us) return expectedShown(world, gauge, at_us);
  const measured = follow ? (reading ?? null) : (readingAt(observed, reading, gauge.series, at_us) ?? readingThen(world.then, gauge.series, at_us));
  if (!measured || measured.time_us === null) return nothing(gauge.series);
  const usable = measured.flag !== 4 && measured.flag !== 9 && measured.value !== null;
  const age_us = Math.max(0, at_us - measured.time_us);
  const level = usable ? levelAt(gauge.levels, measured.value) : null;
  return {
    series: gauge.series,
    value: measured.value,
    time_us: measured.time_us,
    age_us,
    flag: measured.flag,
    stale: (follow && measured.stale) || age_us > 2.2 * measured.period_s * 1e6,
    expected: null,
    level,
    crisis_level: level?.crisis_level ?? 0,
    change_1h: usable ? change(observed, measured) : null,
  };
}

function readingAt(observed: Observed | undefined, like: Reading | undefined, series: string, at_us: number): Reading | null {
  if (!observed) return null;
  const index = lastIndex(observed.time_us, at_us);
  if (index < 0) return null;
  return {
    series,
    time_us: observed.time_us[index]!,
    value: observed.value[index] ?? null,
    flag: observed.flag[index] ?? 2,
    period_s: like?.period_s ?? 3600,
    stale: false,
  };
}

/** The reading fetched for an instant not after this one; null when it was for a later one or far before. */
function readingThen(then: World['then'], series: string, at_us: number): Reading | null {
  return then && then.at_us <= at_us && at_us - then.at_us < HOUR_US ? (then.readings[series] ?? null) : null;
}

function change(observed: Observed | undefined, measured: Reading): number | null {
  if (!observed || measured.value === null || measured.time_us === null) return null;
  const index = lastIndex(observed.time_us, measured.time_us - HOUR_US);
  const value = observed.value[index];
  if (index < 0 || value === null || value === undefined) return null;
  return measured.time_us - observed.time_us[index]! < 2 * HOUR_US ? measured.value - value : null;
}

function expectedShown(world: Known, gauge: Gauge, at_us: number): Shown {
  const forecast = world.forecasts[gauge.series] ?? null;
  const expected = expectedAt(forecast, at_us);
  if (!expected || !forecast) return nothing(gauge.series);
  const level = levelAt(gauge.levels, expected.mid);
  return {
    series: gauge.series,
    value: expected.mid,
    time_us: at_us,
    age_us: Math.max(0, world.clock.now_us - forecast.issued_us),
    flag: 1,
    stale: false,
    expected: { low: expected.low, high: expected.high, issued_us: forecast.issued_us },
    level,
    crisis_level: level?.crisis_level ?? 0,
    change_1h: null,
  };
}

function nothing(series: string): Shown {
  return { series, value: null, time_us: null, age_us: null, flag: 9, stale: true, expected: null, level: null, crisis_level: 0, change_1h: null };
}
