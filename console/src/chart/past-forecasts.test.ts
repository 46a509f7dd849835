// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { Forecast, Observed } from '../state/facts';
import { withForecasts, type World } from '../state/fold';
import { leadsOffered, pastForecasts } from './past-forecasts';

const HOUR = 3600e6;
const at = (hours: number) => hours * HOUR;
const issuedAt = (hours: number, middle: number, lead_s = [3600, 10_800]): Forecast => ({
  hazard: 'river', model: 'm', series: 's', issued_us: at(hours), lead_s, quantile: [0.05, 0.25, 0.5, 0.75, 0.95],
  value: lead_s.map((_, i) => [-2, -1, 0, 1, 2].map((off) => middle + i * 10 + off)),
  crossings: [], used: [], missing: [], degraded: false, maturity: 'advisory',
});
const base = { from_us: 0, at_us: at(24), period_s: 3600, lead_s: 3600 };
const observed: Observed = { time_us: [at(3), at(4), at(5)], value: [5, 9, 99], flag: [1, 1, 4] };

test('a forecast stands where it spoke of, beside what came there', () => {
  const { data } = pastForecasts({ ...base, observed, issued: [issuedAt(2, 5)] });
  expect(data.x).toEqual([10_800, 14_400, 18_000]);
  expect(data.observed).toEqual([5, 9, undefined]);
  expect(data.q50).toEqual([5, undefined, undefined]);
  expect(data.q95).toEqual([7, undefined, undefined]);
});

test('what came inside the band is counted, and a value that a check spoke against is not', () => {
  const issued = [issuedAt(2, 5), issuedAt(3, 5), issuedAt(4, 99)];
  expect(pastForecasts({ ...base, observed, issued })).toMatchObject({ of: 2, inside: 1 });
});

test('another lead is another forecast', () => {
  const { data, of } = pastForecasts({ ...base, lead_s: 10_800, observed, issued: [issuedAt(1, 5)] });
  expect(data.q50[data.x.indexOf(14_400)]).toBe(15);
  expect(of).toBe(1);
});

test('what is not due yet, or was due before the span, is left out', () => {
  const issued = [issuedAt(-2, 5), issuedAt(24, 5)];
  expect(pastForecasts({ ...base, observed: undefined, issued }).data.x).toEqual([]);
});

test('a pause of the forecasts breaks the band', () => {
  const { data } = pastForecasts({ ...base, observed: undefined, issued: [issuedAt(1, 5), issuedAt(6, 5)] });
  expect(data.q50).toEqual([5, null, 5]);
});

test('a forecast made again an hour or more after its time is not judged: it would have hindsight', () => {
  const made = (late_us: number) => [{ ...issuedAt(2, 5), recorded_us: at(2) + late_us }];
  expect(pastForecasts({ ...base, observed, issued: made(HOUR - 1) }).of).toBe(1);
  expect(pastForecasts({ ...base, observed, issued: made(HOUR) }).of).toBe(0);
});

test('one, three and six hours are offered, else the leads there are', () => {
  expect(leadsOffered([issuedAt(1, 5, [3600, 7200, 10_800, 21_600])])).toEqual([3600, 10_800, 21_600]);
  expect(leadsOffered([issuedAt(1, 5, [900, 1800])])).toEqual([900, 1800]);
  expect(leadsOffered([])).toEqual([]);
});

test('the console keeps enough for a whole day of every lead offered', () => {
  const hours = Array.from({ length: 49 }, (_, i) => i);
  const issued = hours.map((hour) => issuedAt(hour, 5, [3600, 10_800, 21_600]));
  const came: Observed = { time_us: hours.map(at), value: hours.map(() => 5), flag: hours.map(() => 1) };
  const kept = withForecasts({ issued: {}, clock: { now_us: at(48) } } as unknown as World, 's', issued).issued.s!;
  for (const lead_s of leadsOffered(kept))
    expect(pastForecasts({ observed: came, issued: kept, lead_s, from_us: at(24), at_us: at(48), period_s: 3600 }).of).toBe(25);
});
