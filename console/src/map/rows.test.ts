// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { inView, stepped } from './rows';

test('of five thousand rows a screenful and a little more are drawn, at the top, in the middle and at the end', () => {
  expect(inView(5000, 0, 300, 33)).toEqual({ from: 0, to: 30 });
  expect(inView(5000, 3300, 300, 33)).toEqual({ from: 80, to: 130 });
  expect(inView(5000, 5000 * 33 - 300, 300, 33)).toEqual({ from: 4970, to: 5000 });
});

test('a short table stands whole, and an empty one is empty', () => {
  expect(inView(12, 0, 300, 33)).toEqual({ from: 0, to: 12 });
  expect(inView(0, 990, 300, 33)).toEqual({ from: 0, to: 0 });
});

test('keys lead from row to row, by pages, and to both ends, never beyond them', () => {
  const to = (key: string, from: number) => stepped(key, from, 100, 8);
  expect([to('ArrowDown', 0), to('ArrowUp', 0), to('PageDown', 95), to('PageUp', 20), to('Home', 50), to('End', 0)]).toEqual([1, 0, 99, 12, 0, 99]);
  expect(to('a', 3)).toBeNull();
  expect(stepped('End', 0, 0, 8)).toBeNull();
});
