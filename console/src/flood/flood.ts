// SPDX-License-Identifier: Apache-2.0
// What the server says of floods, and what follows from it: addresses of pictures, leads, colours, labels. Pure.
import type { Words } from '../state/facts';
import type { Theme } from '../state/view.svelte';

export type Kind = 'depth' | 'probability' | 'hazard';
export const KINDS: Kind[] = ['depth', 'probability', 'hazard'];

/** How far the library of floods is. */
export interface Standing {
  state: 'off' | 'computing' | 'ready' | 'stopped' | 'failed';
  reason: string;
  done: number;
  total: number;
}

export interface Flood extends Standing {
  terrain: { name: Words; illustrative: boolean; source: string; cell_m: number } | null;
  corners: [number, number][];
  issued: string | null;
  gauge: { series: string };
  leads_s: number[];
  limits_m: number[];
  library_id: string | null;
  forecast_id: string | null;
  /** Leads at which the river may stand above the highest flood of the library. */
  beyond_library_s: number[];
  scales: Record<Kind, { from: number; color: string }[]>;
  may_compute: boolean;
}

export interface Range {
  p05: number;
  p50: number;
  p95: number;
}

export interface FloodedTown {
  code: string;
  name: Words;
  area_share: Range;
  residents: Range;
  over_65: Range;
  under_7: Range;
  hazard: string | null;
  probability: number;
}

export interface FloodedTowns {
  towns: FloodedTown[];
  total: { residents: Range; over_65: Range; under_7: Range };
  underpasses: { name: Words; longitude: number; latitude: number; probability: number | null }[];
  reached_m: number;
}

export interface PlaceLead {
  lead_s: number;
  depth_m: Range;
  probability: Record<string, number>;
  hazard: string | null;
}

export interface FloodAt {
  ground_m: number | null;
  river: boolean;
  illustrative: boolean;
  leads: PlaceLead[];
}

/** Query of a request, what is null left out. */
export function query(values: Record<string, string | number | null>): string {
  const given = Object.entries(values).filter(([, value]) => value !== null);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}

/** Address of a picture; null while there is none. The version names its content, so that it is fetched once. */
export function pictureOf(flood: Flood, kind: Kind, lead_s: number | null, limit_m: number, as_of: string | null): string | null {
  if (lead_s === null || !flood.library_id || !flood.forecast_id) return null;
  const limit = kind === 'probability' ? limit_m : null;
  return `/api/flood/map.png?${query({ lead_s, kind, limit_m: limit, as_of, version: `${flood.library_id}.${flood.forecast_id}` })}`;
}

/** The lead nearest to what was wished for; null when there is none. */
export function nearestLead(leads_s: number[], wished_s: number): number | null {
  return leads_s.reduce<number | null>((best, lead) => (best === null || Math.abs(lead - wished_s) < Math.abs(best - wished_s) ? lead : best), null);
}

/** The shortest lead that reaches an instant; the longest when none does. */
export function leadReaching(leads_s: number[], issued_us: number, at_us: number): number | null {
  const rising = leads_s.toSorted((a, b) => a - b);
  return rising.find((lead) => issued_us + lead * 1e6 >= at_us) ?? rising.at(-1) ?? null;
}

/** On dark ground the darkest classes would sink into it, on light ground the lightest: the map lifts or lowers all alike. */
export const BRIGHTNESS: Record<Theme, { min: number; max: number }> = { light: { min: 0, max: 0.94 }, dark: { min: 0.28, max: 1 } };

/** A class's colour as the map shows it on a theme's ground: between the layer's darkest and lightest. */
export function shownColour(colour: string, theme: Theme): string {
  const { min, max } = BRIGHTNESS[theme];
  const channel = (at: number) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return Math.round((min + (max - min) * part) * 255).toString(16).padStart(2, '0');
  };
  return `#${channel(1)}${channel(3)}${channel(5)}`;
}

/** `0.05–0.3`, `20–40 %`, `H3`: what a class of a scale holds. The last is open upwards. */
export function classLabels(kind: Kind, scale: { from: number }[]): string[] {
  if (kind === 'hazard') return scale.map(({ from }) => `H${from}`);
  const [factor, unit] = kind === 'probability' ? [100, ' %'] : [1, ''];
  return scale.map(({ from }, i) => {
    const next = scale[i + 1]?.from;
    const low = Number((from * factor).toFixed(2));
    return next === undefined ? `≥ ${low}${unit}` : `${low}–${Number((next * factor).toFixed(2))}${unit}`;
  });
}

/** Whether a place lies between four corners that go round (north-west first). */
export function within(corners: [number, number][], [x, y]: [number, number]): boolean {
  return corners.length === 4 && corners.every(([ax, ay], i) => {
    const [bx, by] = corners[(i + 1) % 4]!;
    return (bx - ax) * (y - ay) - (by - ay) * (x - ax) <= 0;
  });
}

export const middleOf = (corners: [number, number][]): [number, number] => [0, 1].map((axis) => corners.reduce((sum, corner) => sum + corner[axis]!, 0) / corners.length) as [number, number];

/** A place as the address of a chosen thing: five digits are a metre. */
export const placeId = (longitude: number, latitude: number): string => `${longitude.toFixed(5)},${latitude.toFixed(5)}`;

export function placeOf(id: string): { longitude: number; latitude: number } {
  const [longitude = NaN, latitude = NaN] = id.split(',').map(Number);
  return { longitude, latitude };
}
