// SPDX-License-Identifier: Apache-2.0
// Forecasts of one lead laid at the times they spoke of, beside what came: columns for the chart, and a count. Pure.
import type { Forecast, Observed } from '../state/facts';
import { nearest } from '../state/moment';
import { chartData, type ChartData } from './chart-data';

const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95];
/** The leads offered, where a forecast has them. */
const LEADS_S = [3600, 3 * 3600, 6 * 3600];
/** One made again this long after its time would be judged with hindsight: the rule of the verification (records/verification.py). */
const LATE_US = 3600e6;

export interface PastInput {
  observed: Observed | undefined;
  issued: Forecast[];
  lead_s: number;
  from_us: number;
  at_us: number;
  period_s: number;
}

export interface PastForecasts {
  data: ChartData;
  /** Usable values that came at a time a forecast spoke of, and how many of them inside its 90 % band. */
  of: number;
  inside: number;
}

/** One, three and six hours, or the first leads there are. */
export function leadsOffered(issued: Forecast[]): number[] {
  const leads = issued.at(-1)?.lead_s ?? [];
  const usual = LEADS_S.filter((lead) => leads.includes(lead));
  return usual.length ? usual : leads.slice(0, 3);
}

/** What was forecast `lead_s` before, and what came, between two instants; a pause of the forecasts breaks the band. */
export function pastForecasts({ issued, lead_s, ...rest }: PastInput): PastForecasts {
  const came = chartData({ ...rest, forecast: null, to_us: rest.at_us });
  const fans = fansOf(issued, lead_s, rest.from_us, rest.at_us);
  const rows = new Map<number, (number | null)[] | undefined>(came.x.map((x) => [x, undefined]));
  let before: number | null = null;
  for (const [x, fan] of fans) {
    if (before !== null && x - before > 2.5 * 3600) rows.set(before + 1, QUANTILES.map(() => null));
    rows.set(x, fan);
    before = x;
  }
  const x = [...rows.keys()].sort((a, b) => a - b);
  const measured = new Map(came.x.map((at, i) => [at, i]));
  const [q05, q25, q50, q75, q95] = QUANTILES.map((_, column) => x.map((at) => rows.get(at)?.[column]));
  const laid = (column: ChartData['observed'], none: null | undefined) =>
    x.map((at) => (measured.has(at) ? column[measured.get(at)!] : none));
  const data = { x, observed: laid(came.observed, undefined), later: laid(came.later, undefined), bad: laid(came.bad, null), q05, q25, q50, q75, q95 } as ChartData;
  const judged = x.flatMap((_, i) => {
    const [value, low, high] = [data.observed[i], data.q05[i], data.q95[i]];
    return typeof value === 'number' && typeof low === 'number' && typeof high === 'number' ? [low <= value && value <= high] : [];
  });
  return { data, of: judged.length, inside: judged.filter(Boolean).length };
}

/** Second spoken of → quantiles, rising in time; of two issued at one time the one that is kept last. */
function fansOf(issued: Forecast[], lead_s: number, from_us: number, at_us: number): [number, number[]][] {
  const fans = new Map<number, number[]>();
  for (const forecast of issued) {
    const row = forecast.lead_s.indexOf(lead_s);
    const due_us = forecast.issued_us + lead_s * 1e6;
    if (row < 0 || due_us < from_us || due_us > at_us || isLate(forecast)) continue;
    fans.set(due_us / 1e6, QUANTILES.map((q) => forecast.value[row]![nearest(forecast.quantile, q)]!));
  }
  return [...fans].sort(([a], [b]) => a - b);
}

function isLate({ issued_us, recorded_us = issued_us }: Forecast): boolean {
  return recorded_us >= issued_us + LATE_US;
}
