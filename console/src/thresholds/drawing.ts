// SPDX-License-Identifier: Apache-2.0
// Where the parts of a preview's drawing lie, in pixels. Pure.
import type { Preview } from './asking';

export interface Drawing {
  /** The band of lowest and highest values, as an SVG path. */
  band: string;
  limit: number;
  alarms: { x: number; width: number }[];
  low: number;
  high: number;
}

const MARGIN = 8;

export function drawing(preview: Preview, width: number, height: number): Drawing {
  const { time_us, low, high } = preview.outline;
  const bottom = Math.min(...low, preview.proposed.bound);
  const top = Math.max(...high, preview.proposed.bound);
  const x = (at_us: number): number => (width * (at_us - preview.from_us)) / Math.max(1, preview.to_us - preview.from_us);
  const y = (value: number): number => MARGIN + ((height - 2 * MARGIN) * (top - value)) / (top - bottom || 1);
  const point = (at_us: number | undefined, value: number | undefined): string => `${x(at_us ?? 0).toFixed(1)} ${y(value ?? 0).toFixed(1)}`;
  const upper = time_us.map((at_us, i) => point(at_us, high[i]));
  const lower = time_us.map((at_us, i) => point(at_us, low[i])).reverse();
  return {
    band: upper.length ? `M${[...upper, ...lower].join('L')}Z` : '',
    limit: y(preview.proposed.bound),
    alarms: preview.proposed.episodes.map((one) => ({
      x: x(one.onset_us),
      width: Math.max(2, x(one.ended_us ?? preview.to_us) - x(one.onset_us)),
    })),
    low: time_us.length ? Math.min(...low) : NaN,
    high: time_us.length ? Math.max(...high) : NaN,
  };
}
