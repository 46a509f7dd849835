// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { bandVerdict, skill } from './asking';
import { between } from './told';

describe('the verdict on past forecasts', () => {
  it('says nothing of a band with too few cases', () => {
    expect(bandVerdict({ coverage_90: null })).toBe('few');
  });
  it('calls a 90 % band held between 85 and 95 %', () => {
    expect([0.849, 0.85, 0.95, 0.951].map((coverage_90) => bandVerdict({ coverage_90 }))).toEqual(['narrow', 'held', 'held', 'wide']);
  });
  it('is one minus the ratio of errors, and unknown where either is', () => {
    expect(skill(0.02, 0.1)).toBeCloseTo(0.8);
    expect(skill(0.2, 0.1)).toBeCloseTo(-1);
    expect([skill(null, 1), skill(1, null), skill(1, 0)]).toEqual([null, null, null]);
  });
});

it('a figure stands with its interval where there is one, with a true minus', () => {
  expect(between(0.421, [0.312, 0.5])).toBe('0.42 (0.31–0.50)');
  expect(between(0.1, [-0.2, 0.3], 1)).toBe('0.1 (−0.2–0.3)');
  expect(between(null, [0, 0.73])).toBe('– (0.00–0.73)');
  expect(between(0.421, undefined)).toBe('0.42');
});
