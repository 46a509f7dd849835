// SPDX-License-Identifier: Apache-2.0
// The evidence chart on uPlot: a line within its expected band; what was called unusual stands out by shape, not colour alone.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { alpha, inkOf, type Ink } from './ink';
import { evidenceRange, type EvidenceColumns } from './evidence-data';

export interface EvidenceScene {
  data: EvidenceColumns;
  /** Called unusual: seconds UTC and value. */
  unusual: [number, number][];
  from_s: number;
  to_s: number;
  /** The instant the question is about, s. */
  about_s: number | null;
  digits: number;
  timeLabel: (x_s: number) => string;
}

const FONT = '12px Pretendard, sans-serif';

export class EvidencePlot {
  #plot: uPlot;
  #scene: EvidenceScene;

  constructor(element: HTMLElement, scene: EvidenceScene, width: number, height: number, small = false) {
    this.#scene = scene;
    this.#plot = new uPlot(this.#options(inkOf(element), width, height, small), columns(scene.data), element);
  }

  update(scene: EvidenceScene): void {
    this.#scene = scene;
    this.#plot.setData(columns(scene.data), true);
  }

  resize(width: number, height: number): void {
    this.#plot.setSize({ width, height });
  }

  destroy(): void {
    this.#plot.destroy();
  }

  #options(ink: Ink, width: number, height: number, small: boolean): uPlot.Options {
    const axis = { font: FONT, stroke: ink.ink3, grid: { stroke: ink.line, width: 1 }, ticks: { show: false } };
    const none: uPlot.Series = { stroke: 'transparent', width: 0, points: { show: false } };
    return {
      width,
      height,
      padding: [6, 12, small ? 4 : 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: () => [this.#scene.from_s, this.#scene.to_s] },
        y: { range: () => evidenceRange(this.#scene.data) },
      },
      axes: [
        small
          ? { ...axis, size: 0, values: () => [] }
          : { ...axis, size: 24, gap: 4, space: 90, values: (_u, splits) => splits.map((x) => this.#scene.timeLabel(x)) },
        { ...axis, size: 48, gap: 6, space: small ? 26 : 34, values: (_u, splits) => splits.map((v) => v.toFixed(this.#digits(splits))) },
      ],
      series: [
        {},
        none,
        none,
        { stroke: ink.ink, width: small ? 1.6 : 2.2, points: { show: false } },
        { stroke: ink.bad, width: 0, points: { show: true, size: 7, stroke: ink.bad, fill: ink.panel } },
      ],
      bands: [{ series: [2, 1], fill: alpha(ink.accent, 0.22) }],
      hooks: { draw: [(u) => this.#drawAbout(u, ink), (u) => this.#drawUnusual(u, ink)] },
    };
  }

  #digits(splits: number[]): number {
    const step = Math.abs((splits[1] ?? 1) - (splits[0] ?? 0));
    return Math.max(0, Math.min(this.#scene.digits + 1, step > 0 ? Math.ceil(-Math.log10(step) - 1e-9) : 0));
  }

  /** A diamond with a dark edge: told from a line and from a circle without colour. */
  #drawUnusual(u: uPlot, ink: Ink): void {
    const size = 6 * devicePixelRatio;
    u.ctx.save();
    for (const [x_s, value] of this.#scene.unusual) {
      const [x, y] = [u.valToPos(x_s, 'x', true), u.valToPos(value, 'y', true)];
      u.ctx.beginPath();
      u.ctx.moveTo(x, y - size);
      u.ctx.lineTo(x + size, y);
      u.ctx.lineTo(x, y + size);
      u.ctx.lineTo(x - size, y);
      u.ctx.closePath();
      u.ctx.fillStyle = ink.panel;
      u.ctx.strokeStyle = ink.bad;
      u.ctx.lineWidth = 2.4 * devicePixelRatio;
      u.ctx.fill();
      u.ctx.stroke();
    }
    u.ctx.restore();
  }

  #drawAbout(u: uPlot, ink: Ink): void {
    const { about_s, from_s, to_s } = this.#scene;
    if (about_s === null || about_s < from_s || about_s > to_s) return;
    const x = u.valToPos(about_s, 'x', true);
    u.ctx.save();
    u.ctx.strokeStyle = ink.ink3;
    u.ctx.lineWidth = 1.2 * devicePixelRatio;
    u.ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    u.ctx.beginPath();
    u.ctx.moveTo(x, u.bbox.top);
    u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
    u.ctx.stroke();
    u.ctx.restore();
  }
}

function columns({ x, low, high, value, bad }: EvidenceColumns): uPlot.AlignedData {
  return [x, low, high, value, bad] as uPlot.AlignedData;
}
