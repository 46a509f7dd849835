// SPDX-License-Identifier: Apache-2.0
// What the river chart draws, as aligned columns, from what was measured and what was forecast. Pure.
import type { Forecast, Level, Observed } from '../state/facts';
import { nearest } from '../state/moment';

type Column = (number | null | undefined)[];

export interface ChartData {
  /** Seconds UTC, rising. */
  x: number[];
  /** Usable values up to the instant shown; null where there is a gap. */
  observed: Column;
  /** Values measured after the instant shown: what came, in an after-action look. */
  later: Column;
  /** Values that failed the quality checks. */
  bad: Column;
  q05: Column;
  q25: Column;
  q50: Column;
  q75: Column;
  q95: Column;
}

export interface ChartInput {
  observed: Observed | undefined;
  forecast: Forecast | null;
  from_us: number;
  to_us: number;
  at_us: number;
  period_s: number;
}

interface Row {
  observed?: number | null;
  later?: number | null;
  bad?: number;
  fan?: number[];
}

/** Columns for the chart; a gap longer than 2.5 periods breaks the line. */
export function chartData(input: ChartInput): ChartData {
  const rows = new Map<number, Row>();
  const row = (x: number): Row => rows.get(x) ?? (rows.set(x, {}), rows.get(x)!);
  const anchor = observedRows(input, row);
  if (input.forecast) fanRows(input.forecast, anchor, row);
  const x = [...rows.keys()].sort((a, b) => a - b);
  const column = (pick: (row: Row) => number | null | undefined): Column => x.map((at) => pick(rows.get(at)!));
  return {
    x,
    observed: column((r) => r.observed),
    later: column((r) => r.later),
    bad: column((r) => r.bad ?? null),
    q05: column((r) => r.fan?.[0]),
    q25: column((r) => r.fan?.[1]),
    q50: column((r) => r.fan?.[2]),
    q75: column((r) => r.fan?.[3]),
    q95: column((r) => r.fan?.[4]),
  };
}

/** Lays the measured values; returns the newest usable one at the time of the forecast, its anchor. */
function observedRows(input: ChartInput, row: (x: number) => Row): [number, number] | null {
  const { observed, forecast, from_us, to_us, at_us, period_s } = input;
  let anchor: [number, number] | null = null;
  let before_us: number | null = null;
  observed?.time_us.forEach((time, i) => {
    if (time < from_us || time > to_us) return;
    const value = observed.value[i];
    const flag = observed.flag[i];
    if (value === null || value === undefined) return;
    if (flag === 4 || flag === 9) {
      row(time / 1e6).bad = value;
      return;
    }
    const key = time <= at_us ? 'observed' : 'later';
    if (before_us !== null && time - before_us > 2.5e6 * period_s) row(before_us / 1e6 + 1)[key] = null;
    if (key === 'later' && before_us !== null && before_us <= at_us) row(before_us / 1e6).later = row(before_us / 1e6).observed;
    row(time / 1e6)[key] = value;
    if (forecast && time <= forecast.issued_us) anchor = [time / 1e6, value];
    before_us = time;
  });
  return anchor;
}

function fanRows(forecast: Forecast, anchor: [number, number] | null, row: (x: number) => Row): void {
  const columns = [0.05, 0.25, 0.5, 0.75, 0.95].map((q) => nearest(forecast.quantile, q));
  const issued_s = forecast.issued_us / 1e6;
  if (anchor && issued_s - anchor[0] < 2 * 3600) row(anchor[0]).fan = columns.map(() => anchor[1]);
  forecast.lead_s.forEach((lead, i) => {
    row(issued_s + lead).fan = columns.map((c) => forecast.value[i]![c]!);
  });
}

/** The range of the value axis: everything drawn, and always the next level above. */
export function valueRange(data: ChartData, levels: Level[]): [number, number] {
  const drawn = [data.observed, data.later, data.q05, data.q95, data.bad]
    .flat()
    .filter((v): v is number => typeof v === 'number' && Number.isFinite(v));
  if (!drawn.length) return [0, Math.max(1, ...levels.map((level) => level.limit)) * 1.1];
  let [low, high] = [Math.min(...drawn), Math.max(...drawn)];
  const above = levels.map((level) => level.limit).filter((limit) => limit >= high);
  const reach = Math.max(high - low, 0.2);
  const next = Math.min(...above);
  if (Number.isFinite(next)) high = Math.max(high, next);
  else high += reach * 0.06;
  low = low >= 0 ? Math.max(0, low - reach * 0.1) : low - reach * 0.1;
  return [low, high + (high - low) * 0.08];
}
