// SPDX-License-Identifier: Apache-2.0
// A site manager's day as the server tells it.
import { ask } from '../api';
import type { Alarm, Incident } from '../state/facts';

export interface Check {
  id: number;
  name: string;
  thing: string;
  every_s: number;
  done_us: number | null;
  by: string;
  note: string;
  due_us: number;
  overdue: boolean;
}

export type HeatStage = 'calm' | 'care' | 'rest_two_hourly' | 'rest_hourly' | 'stop';

export interface Weather {
  /** Empty, or what is missing. */
  why: '' | 'no_sensor' | 'old' | 'unit' | 'no_humidity' | 'cool';
  air_c: number | null;
  humidity: number | null;
  feels_like_c: number | null;
  wbgt_c: number | null;
  stage: HeatStage | null;
  thing: string | null;
  time_us: number | null;
}

export interface Presence {
  count: number;
  my_since_us: number | null;
  /** Null for who may not see them. */
  names: { name: string; since_us: number }[] | null;
}

export type SensorState = 'heard' | 'late' | 'silent' | 'faulty' | 'never' | 'shelved' | 'out_of_service';

export interface Day {
  now_us: number;
  hazards: { incidents: Incident[]; alarms: Alarm[]; alarms_open: Record<string, number> };
  checks: Check[];
  overdue: number;
  sensors: Record<SensorState, number>;
  weather: Weather;
  presence: Presence;
  may_check: boolean;
}

export const asking = {
  day: () => ask.get<Day>('/api/today'),
  plan: (name: string, every_s: number) => ask.post<{ id: number }>('/api/today/checks', { name, every_s }),
  done: (id: number, note: string) => ask.post<object>(`/api/today/checks/${id}/done`, { note }),
  end: (id: number) => ask.post<object>(`/api/today/checks/${id}/end`),
  signIn: () => ask.post<Presence>('/api/today/presence/in'),
  signOut: () => ask.post<Presence>('/api/today/presence/out'),
};
