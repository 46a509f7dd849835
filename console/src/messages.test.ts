// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { messages } from './messages';

const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

test('every message has both languages and the same names to fill in', () => {
  for (const [key, { ko, en }] of Object.entries(messages)) {
    expect(ko.length, key).toBeGreaterThan(0);
    expect(en.length, key).toBeGreaterThan(0);
    expect(names(en), key).toEqual(names(ko));
  }
});

test('no English message shouts', () => {
  const shouting = Object.entries(messages).filter(([key, { en }]) => en.length > 12 && en === en.toUpperCase() && key !== 'modeExercise');
  expect(shouting).toEqual([]);
});
