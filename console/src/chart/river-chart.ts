// SPDX-License-Identifier: Apache-2.0
// The river chart on uPlot: past | now | fan of quantiles, with the levels across it.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { CRISIS } from '../crisis';
import type { Level } from '../state/facts';
import { drawCrisisMark } from '../map/crisis-canvas';
import { decimals } from '../words/format';
import { valueRange, type ChartData } from './chart-data';
import { alpha, inkOf, type Ink } from './ink';

export interface ChartScene {
  data: ChartData;
  levels: { level: Level; label: string }[];
  unit: string;
  from_s: number;
  to_s: number;
  now_s: number;
  at_s: number;
  nowLabel: string;
  hourLabel: (x_s: number) => string;
  onpick: (x_s: number) => void;
}

const FONT = '12px Pretendard, sans-serif';

export class RiverPlot {
  #plot: uPlot;
  #scene: ChartScene;

  constructor(element: HTMLElement, scene: ChartScene, width: number, height: number) {
    this.#scene = scene;
    const ink = inkOf(element);
    this.#plot = new uPlot(this.#options(ink, width, height), columns(scene.data), element);
    this.#plot.over.addEventListener('click', (event) => this.#scene.onpick(this.#plot.posToVal(event.offsetX, 'x')));
  }

  update(scene: ChartScene): void {
    this.#scene = scene;
    this.#plot.setData(columns(scene.data), true);
  }

  resize(width: number, height: number): void {
    this.#plot.setSize({ width, height });
  }

  destroy(): void {
    this.#plot.destroy();
  }

  #options(ink: Ink, width: number, height: number): uPlot.Options {
    const axis = { font: FONT, stroke: ink.ink3, grid: { stroke: ink.line, width: 1 }, ticks: { show: false } };
    return {
      width,
      height,
      padding: [8, 16, 0, 0],
      legend: { show: false },
      cursor: { show: true, x: true, y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: {
        x: { time: false, range: () => [this.#scene.from_s, this.#scene.to_s] },
        y: { range: () => valueRange(this.#scene.data, this.#scene.levels.map(({ level }) => level)) },
      },
      axes: [
        { ...axis, size: 24, gap: 4, splits: () => this.#hours(), values: (_u, splits) => splits.map(this.#scene.hourLabel) },
        { ...axis, size: 40, gap: 6, values: (_u, splits) => splits.map((v) => v.toFixed(splitDigits(splits, this.#scene.unit))) },
      ],
      series: seriesOf(ink),
      bands: [
        { series: [8, 4], fill: alpha(ink.accent, 0.16) },
        { series: [7, 5], fill: alpha(ink.accent, 0.26) },
      ],
      hooks: { drawClear: [(u) => this.#shadeAhead(u, ink)], draw: [(u) => this.#drawLevels(u, ink), (u) => this.#drawNow(u, ink)] },
    };
  }

  /** Whole hours, as many as the axis has room for. */
  #hours(): number[] {
    const { from_s, to_s, hourLabel } = this.#scene;
    const hours = (to_s - from_s) / 3600;
    const room = Math.max(3, Math.floor((this.#plot?.width ?? 480) / 60));
    const step = [1, 2, 3, 6].find((one) => hours / one <= room) ?? 12;
    const first = Math.ceil(from_s / 3600) * 3600;
    const all = Array.from({ length: Math.ceil(hours) + 1 }, (_, i) => first + i * 3600).filter((x) => x <= to_s);
    return all.filter((x) => Number.parseInt(hourLabel(x), 10) % step === 0);
  }

  #shadeAhead(u: uPlot, ink: Ink): void {
    const left = u.valToPos(Math.max(this.#scene.now_s, this.#scene.from_s), 'x', true);
    const { top, height, left: start, width } = u.bbox;
    u.ctx.fillStyle = alpha(ink.ink3, 0.07);
    u.ctx.fillRect(left, top, start + width - left, height);
  }

  #drawLevels(u: uPlot, ink: Ink): void {
    const { ctx, bbox } = u;
    const dpr = devicePixelRatio;
    const [low, high] = [u.scales.y!.min!, u.scales.y!.max!];
    ctx.save();
    let lastY = Infinity;
    for (const { level, label } of [...this.#scene.levels].sort((a, b) => a.level.limit - b.level.limit)) {
      if (level.limit < low || level.limit > high) continue;
      const y = u.valToPos(level.limit, 'y', true);
      const look = CRISIS[level.crisis_level];
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.strokeStyle = ink.ink;
      ctx.lineWidth = 3 * dpr;
      ctx.stroke();
      ctx.strokeStyle = look.fill;
      ctx.lineWidth = 1.8 * dpr;
      ctx.stroke();
      if (lastY - y > 17 * dpr) this.#levelLabel(ctx, ink, level, label, bbox.left + 2 * dpr, y, dpr);
      lastY = y;
    }
    ctx.restore();
  }

  #levelLabel(ctx: CanvasRenderingContext2D, ink: Ink, level: Level, label: string, x: number, y: number, dpr: number): void {
    ctx.font = `600 ${12 * dpr}px Pretendard, sans-serif`;
    const wide = ctx.measureText(label).width;
    ctx.fillStyle = alpha(ink.panel, 0.94);
    ctx.fillRect(x - 4 * dpr, y - 10 * dpr, wide + 32 * dpr, 20 * dpr);
    drawCrisisMark(ctx, level.crisis_level, x, y - 8 * dpr, 16 * dpr, ink.ink);
    ctx.fillStyle = ink.ink;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    ctx.fillText(label, x + 22 * dpr, y + 0.5 * dpr);
  }

  #drawNow(u: uPlot, ink: Ink): void {
    const { now_s, at_s, from_s, to_s, nowLabel } = this.#scene;
    if (now_s >= from_s && now_s <= to_s) this.#upright(u, now_s, ink.ink, [], nowLabel);
    if (Math.abs(at_s - now_s) > 1 && at_s >= from_s && at_s <= to_s) this.#upright(u, at_s, ink.accent, [5, 4], '');
  }

  #upright(u: uPlot, x_s: number, colour: string, dash: number[], label: string): void {
    const { ctx, bbox } = u;
    const dpr = devicePixelRatio;
    const x = u.valToPos(x_s, 'x', true);
    ctx.save();
    ctx.strokeStyle = colour;
    ctx.lineWidth = 1.4 * dpr;
    ctx.setLineDash(dash.map((n) => n * dpr));
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    if (label) {
      ctx.font = `600 ${11 * dpr}px Pretendard, sans-serif`;
      ctx.fillStyle = colour;
      ctx.textAlign = 'left';
      ctx.textBaseline = 'bottom';
      ctx.fillText(label, x + 4 * dpr, bbox.top + bbox.height - 3 * dpr);
    }
    ctx.restore();
  }
}

function splitDigits(splits: number[], unit: string): number {
  const step = Math.abs((splits[1] ?? 1) - (splits[0] ?? 0));
  return step >= 1 ? 0 : Math.min(decimals(unit), step >= 0.1 ? 1 : 2);
}

function columns(data: ChartData): uPlot.AlignedData {
  const { x, observed, later, bad, q05, q25, q50, q75, q95 } = data;
  return [x, observed, later, bad, q05, q25, q50, q75, q95] as uPlot.AlignedData;
}

function seriesOf(ink: Ink): uPlot.Series[] {
  const none: uPlot.Series = { stroke: 'transparent', width: 0, points: { show: false } };
  return [
    {},
    { stroke: ink.ink, width: 2.4, points: { show: false } },
    { stroke: alpha(ink.ink, 0.55), width: 2, points: { show: false } },
    { stroke: ink.bad, width: 0, points: { show: true, size: 8, stroke: ink.bad, fill: ink.panel } },
    none,
    none,
    { stroke: ink.accent, width: 2, dash: [6, 4], points: { show: false } },
    none,
    none,
  ];
}
