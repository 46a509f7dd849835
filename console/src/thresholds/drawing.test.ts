// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { Preview } from './asking';
import { drawing } from './drawing';

const preview: Preview = {
  unit: '°C', from_us: 0, to_us: 100, complete: true, values: 3,
  proposed: { name: { ko: '', en: '' }, bound: 30, below: false, count: 1, alarmed_us: 10, episodes: [{ onset_us: 40, raised_us: 40, ended_us: 50, peak: 40, peak_us: 45 }] },
  present: [],
  outline: { time_us: [0, 45, 100], low: [20, 25, 20], high: [22, 40, 20] },
};

test('the limit lies between what is lowest and highest, and the alarm where it was', () => {
  const drawn = drawing(preview, 200, 116);
  expect(drawn.limit).toBe(58);
  expect(drawn.alarms).toEqual([{ x: 80, width: 20 }]);
  expect([drawn.low, drawn.high]).toEqual([20, 40]);
  expect(drawn.band.startsWith('M0.0 98.0L90.0 8.0')).toBe(true);
});

test('without values there is nothing to draw but the limit', () => {
  const drawn = drawing({ ...preview, outline: { time_us: [], low: [], high: [] }, proposed: { ...preview.proposed, episodes: [] } }, 200, 116);
  expect([drawn.band, Number.isFinite(drawn.limit)]).toEqual(['', true]);
});
