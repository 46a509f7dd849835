// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { Forecast, Level } from '../state/facts';
import { chartData, valueRange } from './chart-data';

const HOUR = 3600e6;
const at = (hours: number) => hours * HOUR;
const forecast: Forecast = {
  hazard: 'river', model: 'm', series: 's', issued_us: at(2), lead_s: [3600], quantile: [0.05, 0.25, 0.5, 0.75, 0.95], value: [[2, 3, 4, 5, 6]],
  crossings: [], used: [], missing: [], degraded: false, maturity: 'advisory',
};
const base = { forecast: null, from_us: 0, to_us: at(24), at_us: at(24), period_s: 3600 };
const level = (limit: number): Level => ({ id: 'l', name: { ko: '', en: '' }, limit, crisis_level: 2, source: '', confirmed: true });

test('a gap in the measurements breaks the line', () => {
  const data = chartData({ ...base, observed: { time_us: [at(0), at(1), at(6)], value: [1, 2, 3], flag: [1, 1, 1] } });
  expect(data.observed).toEqual([1, 2, null, 3]);
});

test('bad values are not joined to the line but stay visible', () => {
  const data = chartData({ ...base, observed: { time_us: [at(0), at(1), at(2)], value: [1, 99, 1.2], flag: [1, 4, 1] } });
  expect(data.observed).toEqual([1, undefined, 1.2]);
  expect(data.bad).toEqual([null, 99, null]);
});

test('the fan grows out of the newest value known when it was issued', () => {
  const data = chartData({ ...base, forecast, observed: { time_us: [at(1), at(2)], value: [1, 1.5], flag: [1, 1] } });
  expect(data.x).toEqual([3600, 7200, 10800]);
  expect(data.q05).toEqual([undefined, 1.5, 2]);
  expect(data.q95).toEqual([undefined, 1.5, 6]);
});

test('what came after the instant shown is apart from what was known', () => {
  const data = chartData({ ...base, at_us: at(1), observed: { time_us: [at(0), at(1), at(2)], value: [1, 2, 3], flag: [1, 1, 1] } });
  expect(data.observed).toEqual([1, 2, undefined]);
  expect(data.later).toEqual([undefined, 2, 3]);
});

test('the next level above is always in sight', () => {
  const data = chartData({ ...base, observed: { time_us: [at(0)], value: [1], flag: [1] } });
  const [low, high] = valueRange(data, [level(4.5), level(5.5)]);
  expect(low).toBeLessThan(1);
  expect(high).toBeGreaterThan(4.5);
  expect(high).toBeLessThan(5.5);
});

test('with nothing to draw the levels set the range', () => {
  expect(valueRange(chartData({ ...base, observed: undefined }), [level(4.5)])[1]).toBeGreaterThan(4.5);
});
