// SPDX-License-Identifier: Apache-2.0
// The marks of a sensor's state on a 20 × 20 field: told apart by shape alone. Shared by the table and the map.
import type { SensorState } from '../state/evidence';

interface Shape {
  outline: string;
  inner: string;
  dashed?: boolean;
  /** The inner part is filled, not only drawn. */
  full?: boolean;
}

const ROUND = 'M10 2a8 8 0 1 0 0 16 8 8 0 1 0 0-16Z';
const SQUARE = 'M2.500 2.500h15v15h-15Z';

export const SHAPES: Record<SensorState, Shape> = {
  heard: { outline: ROUND, inner: 'M10 6.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 1 0 0-7Z', full: true },
  late: { outline: ROUND, inner: 'M10 5.500v5l3.200 2' },
  silent: { outline: SQUARE, inner: 'M5 10h2.200M9 10h2.200M13 10h2.200', dashed: true },
  faulty: { outline: SQUARE, inner: 'M6 6l8 8M14 6l-8 8' },
  shelved: { outline: SQUARE, inner: 'M7.500 6v8M12.500 6v8' },
  out_of_service: { outline: ROUND, inner: 'M4.500 15.500l11-11' },
  never: { outline: ROUND, inner: '', dashed: true },
  unknown: { outline: ROUND, inner: 'M7.600 8a2.500 2.500 0 1 1 3.600 2.300c-.8.400-1.200.9-1.200 1.900M10 14.300v.4' },
};

/** The mark for the map, in canvas pixels. */
export function sensorImage(state: SensorState, dark: boolean): ImageData {
  const size = 48;
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const ctx = canvas.getContext('2d')!;
  const ink = dark ? '#e9eff1' : '#12181b';
  const { outline, inner, dashed, full } = SHAPES[state];
  ctx.translate(4, 4);
  ctx.scale(2, 2);
  ctx.fillStyle = dark ? '#141a1e' : '#ffffff';
  ctx.fill(new Path2D(outline));
  ctx.strokeStyle = ctx.fillStyle;
  ctx.lineWidth = 4.5;
  ctx.stroke(new Path2D(outline)); // a rim of the ground, so that it holds on any land
  ctx.strokeStyle = ink;
  ctx.lineWidth = 2;
  ctx.lineCap = 'round';
  if (dashed) ctx.setLineDash([2.6, 2.6]);
  ctx.stroke(new Path2D(outline));
  ctx.setLineDash([]);
  ctx.stroke(new Path2D(inner));
  ctx.fillStyle = ink;
  if (full) ctx.fill(new Path2D(inner));
  return ctx.getImageData(0, 0, size, size);
}

/** Hatching of what nothing sees. */
export function blindImage(dark: boolean): ImageData {
  const size = 24;
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const ctx = canvas.getContext('2d')!;
  ctx.strokeStyle = dark ? 'rgb(233 239 241 / 45%)' : 'rgb(18 24 27 / 40%)';
  ctx.lineWidth = 2.4;
  for (const shift of [-size, 0, size]) {
    ctx.beginPath();
    ctx.moveTo(shift, size);
    ctx.lineTo(shift + size, 0);
    ctx.stroke();
  }
  return ctx.getImageData(0, 0, size, size);
}
