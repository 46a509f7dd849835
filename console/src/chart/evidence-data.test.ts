// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { evidenceColumns, evidenceRange } from './evidence-data';

const HOUR = 3600e6;
const points = (hours: number[], value: number[], flag: (1 | 4)[] = hours.map(() => 1)) => ({
  time_us: hours.map((h) => h * HOUR),
  value,
  flag,
  low: value.map((v) => v - 1),
  high: value.map((v) => v + 1),
});

test('a gap of many steps breaks line and band', () => {
  const data = evidenceColumns(points([0, 1, 2, 9], [1, 2, 3, 4]));
  expect(data.value).toEqual([1, 2, 3, null, 4]);
  expect(data.low[3]).toBeNull();
});

test('what failed its checks stays visible and is not joined to the line', () => {
  const data = evidenceColumns(points([0, 1, 2], [1, 99, 2], [1, 4, 1]));
  expect(data.value).toEqual([1, undefined, 2]);
  expect(data.bad).toEqual([null, 99, null]);
});

test('every value is within the axis, and so is a band near to it', () => {
  const [low, high] = evidenceRange(evidenceColumns(points([0, 1, 2], [5, 7, 6])));
  expect(low).toBeLessThan(4);
  expect(high).toBeGreaterThan(8);
});

test('a band a hundred times as wide does not flatten the line', () => {
  const wide = { ...points([0, 1, 2], [5, 7, 6]), low: [-500, 4, 4], high: [500, 8, 8] };
  const [low, high] = evidenceRange(evidenceColumns(wide));
  expect(low).toBeGreaterThan(3);
  expect(high).toBeLessThan(9);
});

test('a constant stream and one without a value have an axis', () => {
  const [low, high] = evidenceRange(evidenceColumns({ ...points([0, 1], [3, 3]), low: [3, 3], high: [3, 3] }));
  expect(high).toBeGreaterThan(low);
  expect(evidenceRange(evidenceColumns(points([], [])))).toEqual([0, 1]);
});
