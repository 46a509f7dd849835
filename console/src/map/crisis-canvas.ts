// SPDX-License-Identifier: Apache-2.0
// Draws a crisis level's mark (colour + shape + number) on a canvas, for map symbols and chart labels.
import { CRISIS } from '../crisis';
import type { CrisisLevel } from '../state/facts';

/** Draws the mark of `level` with its upper left corner at (x, y), `size` canvas pixels wide. */
export function drawCrisisMark(ctx: CanvasRenderingContext2D, level: CrisisLevel, x: number, y: number, size: number, edge: string, ground = '#ffffff'): void {
  const look = CRISIS[level];
  const k = size / 20;
  ctx.save();
  ctx.translate(x, y);
  ctx.scale(k, k);
  ctx.beginPath();
  if (look.points.length) look.points.forEach(([px, py], i) => (i ? ctx.lineTo(px, py) : ctx.moveTo(px, py)));
  else ctx.arc(10, 10, level ? 9.4 : 6.5, 0, 2 * Math.PI);
  ctx.closePath();
  ctx.fillStyle = level ? look.fill : ground;
  ctx.fill();
  ctx.strokeStyle = level ? edge : look.fill;
  ctx.lineWidth = level ? 1.4 : 3;
  ctx.lineJoin = 'round';
  ctx.stroke();
  if (level) {
    ctx.fillStyle = look.text;
    ctx.font = '600 12px Pretendard, sans-serif';
    ctx.textAlign = 'center';
    ctx.textBaseline = 'alphabetic';
    ctx.fillText(String(level), 10, level === 3 ? 16.4 : 14.4);
  }
  ctx.restore();
}

/** A map symbol: the mark, hatched over when the value is stale. */
export function symbolImage(level: CrisisLevel, stale: boolean, picked: boolean, dark: boolean): ImageData {
  const size = 60;
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const ctx = canvas.getContext('2d')!;
  const edge = dark ? '#e9eff1' : '#12181b';
  if (picked) {
    ctx.beginPath();
    ctx.arc(30, 30, 27, 0, 2 * Math.PI);
    ctx.lineWidth = 5;
    ctx.strokeStyle = dark ? '#58c4d3' : '#0a6472';
    ctx.stroke();
  }
  drawCrisisMark(ctx, level, 10, 10, 40, edge, dark ? '#e9eff1' : '#ffffff');
  if (stale) hatch(ctx, size, level ? (dark ? '#0c1114' : '#ffffff') : '#5d6a72');
  return ctx.getImageData(0, 0, size, size);
}

/** A cluster's mark: the shape and colour of the level, larger and empty, for the number that is written in it. */
export function clusterImage(level: CrisisLevel, stale: boolean, dark: boolean): ImageData {
  const size = level === 2 || level === 3 ? 104 : 88; // a number needs more room in a diamond or a triangle
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const ctx = canvas.getContext('2d')!;
  const k = (size - 8) / 20;
  const look = CRISIS[level];
  ctx.translate(4, level === 3 ? -size * 0.08 : 4); // the number stands in the wide part of the triangle
  ctx.beginPath();
  if (look.points.length) look.points.forEach(([x, y], i) => (i ? ctx.lineTo(x * k, y * k) : ctx.moveTo(x * k, y * k)));
  else ctx.arc(10 * k, 10 * k, 8.8 * k, 0, 2 * Math.PI);
  ctx.closePath();
  ctx.fillStyle = level ? look.fill : dark ? '#1b2328' : '#ffffff';
  ctx.fill();
  ctx.strokeStyle = level ? (dark ? '#e9eff1' : '#12181b') : dark ? '#97a5ac' : look.fill;
  ctx.lineWidth = level ? 3 : 5;
  ctx.lineJoin = 'round';
  ctx.stroke();
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  if (stale) hatch(ctx, size, level ? (dark ? '#0c1114' : '#ffffff') : '#5d6a72');
  return ctx.getImageData(0, 0, size, size);
}

function hatch(ctx: CanvasRenderingContext2D, size: number, colour: string): void {
  ctx.save();
  ctx.globalCompositeOperation = 'source-atop';
  ctx.strokeStyle = colour;
  ctx.lineWidth = 4;
  for (let i = -size; i < size; i += 9) {
    ctx.beginPath();
    ctx.moveTo(i, size);
    ctx.lineTo(i + size, 0);
    ctx.stroke();
  }
  ctx.restore();
}
