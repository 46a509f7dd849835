// SPDX-License-Identifier: Apache-2.0
// Thresholds as the server speaks of them.
import { ask } from '../api';
import type { Words } from '../state/facts';

export type Priority = 'high' | 'medium' | 'low';

export interface Stream {
  datastream_id: number;
  name: Words;
  thing: string;
  property: string;
  unit: string;
  series: string;
}

export interface Proposal {
  datastream_id: number;
  name: string;
  bound: number;
  below: boolean;
  hysteresis: number;
  on_delay_s: number;
  priority: Priority;
  line: string | null;
  version: number;
}

export interface Threshold extends Omit<Proposal, 'line'> {
  id: number;
  line: string;
  stream_name: string;
  unit: string;
  ended: boolean;
  alarms_before: number;
  by: string;
  reason: string;
  made_us: number;
  in_force_us: number | null;
}

export interface Episode {
  onset_us: number;
  raised_us: number;
  ended_us: number | null;
  peak: number;
  peak_us: number;
}

export interface Counted {
  name: Words;
  bound: number;
  below: boolean;
  count: number;
  alarmed_us: number;
  episodes: Episode[];
}

export interface Preview {
  unit: string;
  from_us: number;
  to_us: number;
  complete: boolean;
  values: number;
  proposed: Counted;
  present: (Counted & { kind: 'threshold' | 'level'; line: string | null })[];
  outline: { time_us: number[]; low: number[]; high: number[] };
}

/** A month of a busy datastream takes a few seconds to look through. */
const LONG_MS = 30_000;

export const asking = {
  standing: () => ask.get<Threshold[]>('/api/thresholds'),
  streams: (find: string) => ask.get<Stream[]>(`/api/thresholds/streams?find=${encodeURIComponent(find)}`),
  history: (datastream_id: number) => ask.get<Threshold[]>(`/api/thresholds/history?datastream_id=${datastream_id}`),
  preview: (proposal: Proposal) => ask.post<Preview>('/api/thresholds/preview', proposal, LONG_MS),
  save: (proposal: Proposal, reason: string) => ask.post<Threshold>('/api/thresholds', { ...proposal, reason }, LONG_MS),
  end: (line: string, version: number, reason: string) => ask.post<Threshold>(`/api/thresholds/${line}/end`, { version, reason }),
};
