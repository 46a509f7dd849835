// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import type { Forecast, Gauge, Snapshot } from './facts';
import { fromSnapshot, withForecasts, withObserved } from './fold';
import { expectedAt, forecastAt, lastIndex, levelAt, shownAt } from './moment';

const HOUR = 3600e6;
const NOW = 1_475_636_400_000_000;
const level = (id: string, limit: number, crisis_level: 2 | 3) => ({ id, name: { ko: id, en: id }, limit, crisis_level, source: '', confirmed: true });
const gauge: Gauge = { series: 's', name: { ko: '', en: '' }, longitude: 0, latitude: 0, unit: 'm', levels: [level('advisory', 4.5, 2), level('warning', 5.5, 3)] };
const forecast = (issued_us: number, mid: number): Forecast => ({
  hazard: 'river', model: 'm', series: 's', issued_us, lead_s: [3600, 7200], quantile: [0.05, 0.5, 0.95], value: [[mid - 1, mid, mid + 1], [mid, mid + 2, mid + 4]],
  crossings: [], used: [], missing: [], degraded: false, maturity: 'advisory',
});
const snapshot = (value: number | null, flag: 1 | 4 = 1): Snapshot => ({
  seq: 1, clock: { now_us: NOW, mode: 'live', simulated: false, replay: null }, health: { live: true, ready: true, degraded: [] },
  gauges: [{ series: 's', time_us: NOW - HOUR / 2, value, flag, period_s: 3600, stale: false }], alarms: [], alarms_open: {}, alarm_rows: [], unusual: [], incidents: [], alerts: [], forecasts: { s: forecast(NOW, 4) }, impacts: {},
});
const past = { time_us: [NOW - 3 * HOUR, NOW - 2 * HOUR, NOW - 1.5 * HOUR, NOW - HOUR / 2], value: [1, 2, 3.6, 4.6], flag: [1, 1, 1, 1] as (1 | 4)[] };
const world = withObserved(fromSnapshot(snapshot(4.6), null), 's', past);

test('the last index at or before an instant is found', () => {
  expect([-1, 0, 5, 10, 99].map((at) => lastIndex([0, 10, 20], at))).toEqual([-1, 0, 0, 1, 2]);
});

describe('now', () => {
  test('a gauge shows its reading, its age, its level and its change over an hour', () => {
    const shown = shownAt(world, gauge, NOW, true);
    expect(shown).toMatchObject({ value: 4.6, age_us: HOUR / 2, crisis_level: 2, stale: false, expected: null });
    expect(shown.change_1h).toBeCloseTo(1.0);
  });

  test('O4 a value older than two periods is stale even when the server has not said so', () => {
    expect(shownAt(world, gauge, NOW + 3 * HOUR, true).stale).toBe(true);
  });

  test('a value that failed its quality checks reaches no level', () => {
    expect(shownAt(fromSnapshot(snapshot(9, 4), null), gauge, NOW, true)).toMatchObject({ value: 9, flag: 4, crisis_level: 0 });
  });
});

describe('then', () => {
  test('in the past the value of that time is shown with its age at that time', () => {
    expect(shownAt(world, gauge, NOW - 1.75 * HOUR, false)).toMatchObject({ value: 2, age_us: HOUR / 4, crisis_level: 0 });
  });

  test('before anything was measured nothing is shown, and it is stale', () => {
    expect(shownAt(world, gauge, NOW - 9 * HOUR, false)).toMatchObject({ value: null, stale: true });
  });

  test('ahead of now the median of the newest forecast is shown with its range', () => {
    const shown = shownAt(world, gauge, NOW + 1.5 * HOUR, false);
    expect(shown).toMatchObject({ value: 5, crisis_level: 2, expected: { low: 3.5, high: 6.5 } });
  });

  test('beyond the last lead nothing is expected', () => {
    expect(shownAt(world, gauge, NOW + 3 * HOUR, false).value).toBeNull();
  });

  test('the forecast of a past time is the one that stood then, not a later one', () => {
    const issued = withForecasts(world, 's', [forecast(NOW - 2 * HOUR, 3), forecast(NOW - HOUR, 3.5)]).issued['s'];
    expect(forecastAt(issued, NOW - 1.5 * HOUR)?.issued_us).toBe(NOW - 2 * HOUR);
    expect(forecastAt(issued, NOW - 5 * HOUR)).toBeNull();
    expect(forecastAt(issued, NOW + 8 * HOUR)).toBeNull();
  });
});

test('an expectation between two leads lies between them', () => {
  expect(expectedAt(forecast(0, 4), 1.5 * HOUR)).toEqual({ low: 3.5, mid: 5, high: 6.5 });
});

test('the highest level reached counts', () => {
  expect(levelAt(gauge.levels, 5.5)?.id).toBe('warning');
  expect(levelAt(gauge.levels, 4.49)).toBeNull();
});
