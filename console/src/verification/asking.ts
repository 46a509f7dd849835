// SPDX-License-Identifier: Apache-2.0
// How good past forecasts were, as the server tells it. Null: too few cases to say.
import { ask } from '../api';
import type { Words } from '../state/facts';

/** From, to: where the figure of that name lies in 90 of 100 draws of such weather. */
export type Intervals = Partial<Record<string, [number, number]>>;

export interface LeadScore {
  lead_s: number;
  cases: number;
  nse: number | null;
  kge: number | null;
  rmse: number | null;
  rmse_high: number | null;
  cases_high: number;
  bias: number | null;
  crps: number | null;
  coverage_90: number | null;
  nse_persistence: number | null;
  crps_persistence: number | null;
  nse_climatology: number | null;
  crps_climatology: number | null;
  /** Of the cases, how many came in below the quantile: the same number in an honest forecast. */
  reliability: { quantile: number; share: number | null }[];
  interval: Intervals;
}

/** Scores of the forecasts issued in some months of the year. */
export interface SeasonScore {
  months: number[];
  leads: Pick<LeadScore, 'lead_s' | 'cases' | 'nse' | 'rmse' | 'crps' | 'crps_persistence' | 'coverage_90'>[];
}

export interface LevelScore {
  level: string;
  name: Words;
  limit: number;
  events: number;
  hits: number;
  misses: number;
  false_alarms: number;
  pod: number | null;
  far: number | null;
  csi: number | null;
  median_lead_s: number | null;
  brier: number | null;
  brier_skill: number | null;
  interval: Intervals;
}

export interface Verification {
  series: string;
  name: Words;
  unit: string;
  from_us: number;
  to_us: number;
  forecasts: number;
  mode: 'live' | 'exercise';
  leads: LeadScore[];
  seasons: SeasonScore[];
  levels: LevelScore[];
  /** Below so many cases nothing is said. */
  few: number;
  /** Other series that have forecasts. */
  others: string[];
}

export const asking = {
  of: (series: string) => ask.get<Verification>(`/api/verification${series ? `?series=${encodeURIComponent(series)}` : ''}`),
};

/** The verdict on a 90 % band: held, too narrow, too wide, or too few cases. */
export function bandVerdict(lead: Pick<LeadScore, 'coverage_90'>): 'held' | 'narrow' | 'wide' | 'few' {
  const share = lead.coverage_90;
  if (share === null) return 'few';
  if (share < 0.85) return 'narrow';
  return share > 0.95 ? 'wide' : 'held';
}

/** How much better than another forecast by CRPS: 1 perfect, 0 no better, below 0 worse; null where unknown. */
export function skill(ours: number | null, theirs: number | null): number | null {
  return ours === null || theirs === null || theirs <= 0 ? null : 1 - ours / theirs;
}
