// SPDX-License-Identifier: Apache-2.0
// What the evidence chart draws, as aligned columns: the line, its expected band, what was bad. Pure.
import type { Points } from '../state/evidence';

type Column = (number | null | undefined)[];

export interface EvidenceColumns {
  /** Seconds UTC, rising. */
  x: number[];
  value: Column;
  bad: Column;
  low: Column;
  high: Column;
}

/** Columns of uPlot; a value that failed its checks is not joined to the line, a long gap breaks it. */
export function evidenceColumns(points: Points): EvidenceColumns {
  const x: number[] = [];
  const value: Column = [];
  const bad: Column = [];
  const low: Column = [];
  const high: Column = [];
  const gap_us = 4 * medianStep(points.time_us);
  points.time_us.forEach((time, i) => {
    const before = points.time_us[i - 1];
    if (before !== undefined && time - before > gap_us) {
      x.push(before / 1e6 + 1);
      for (const column of [value, bad, low, high]) column.push(null);
    }
    const failed = points.flag[i] === 4 || points.flag[i] === 9;
    x.push(time / 1e6);
    value.push(failed ? undefined : points.value[i]);
    bad.push(failed ? points.value[i] : null);
    low.push(points.low[i]);
    high.push(points.high[i]);
  });
  return { x, value, bad, low, high };
}

/** The middle step between times, infinite when there is none. */
function medianStep(time_us: number[]): number {
  const steps = time_us
    .slice(1)
    .map((time, i) => time - time_us[i]!)
    .sort((a, b) => a - b);
  return steps[steps.length >> 1] || Infinity;
}

/** The range of the value axis: every value, and the band where it is not many times as wide. */
export function evidenceRange({ value, bad, low, high }: EvidenceColumns): [number, number] {
  const numbers = (column: Column) => column.filter((one): one is number => typeof one === 'number' && Number.isFinite(one));
  const seen = [...numbers(value), ...numbers(bad)];
  if (!seen.length) return [0, 1];
  let [least, most] = extent(seen);
  const room = Math.max(most - least, 1e-9 * Math.abs(most), 1e-9) * 1.5;
  for (const one of [...numbers(low), ...numbers(high)]) {
    if (one >= least - room && one < least) least = one;
    if (one <= most + room && one > most) most = one;
  }
  const rim = Math.max((most - least) * 0.06, Math.abs(most) * 1e-6, 1e-6);
  return [least - rim, most + rim];
}

function extent(numbers: number[]): [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const one of numbers) {
    if (one < least) least = one;
    if (one > most) most = one;
  }
  return [least, most];
}
