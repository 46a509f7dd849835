// SPDX-License-Identifier: Apache-2.0
// The crisis levels' colours and shapes: colour, shape and number always together. Shared by chips, map and chart.
import type { CrisisLevel } from './state/facts';

export interface CrisisLook {
  fill: string;
  text: string;
  /** Corners of the shape on a 20 × 20 field; empty for a circle. */
  points: [number, number][];
}

/** Circle, diamond, triangle, octagon: more corners, more danger; told apart without colour. */
export const CRISIS: Record<CrisisLevel, CrisisLook> = {
  0: { fill: '#5d6a72', text: '#ffffff', points: [] },
  1: { fill: '#1f5fbf', text: '#ffffff', points: [] },
  2: { fill: '#ffd400', text: '#000000', points: [[10, 0.3], [19.7, 10], [10, 19.7], [0.3, 10]] },
  3: { fill: '#f57c00', text: '#000000', points: [[10, 0.4], [20, 18.6], [0, 18.6]] },
  4: { fill: '#b3001b', text: '#ffffff', points: [[6, 0.3], [14, 0.3], [19.7, 6], [19.7, 14], [14, 19.7], [6, 19.7], [0.3, 14], [0.3, 6]] },
};
