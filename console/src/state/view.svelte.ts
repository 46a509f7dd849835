// SPDX-License-Identifier: Apache-2.0
// What this person is looking at: the chosen thing, the instant, the theme, the phone's panel.
import type { Alarm } from './facts';
import { live } from './live.svelte';
import { needs, type Needs } from './need';

export type Chosen =
  | { kind: 'gauge'; id: string }
  | { kind: 'alarm'; id: string }
  | { kind: 'incident'; id: string }
  | { kind: 'alert'; id: string }
  | { kind: 'unusual'; id: string }
  /** A place on the ground: longitude and latitude with a comma between. */
  | { kind: 'place'; id: string };

export type Panel = 'needs' | 'map' | 'detail';
export type Theme = 'light' | 'dark';
/** What the map shows: the levels, where the city is blind, or what may stand under water. */
export type Layer = 'levels' | 'health' | 'flood';

export const PAST_US = 24 * 3600e6;
export const AHEAD_US = 6 * 3600e6;
/** The time line has stood still so long: what was then is asked for. */
const SETTLED_MS = 150;
const STORED = 'cheoyong.theme';

function firstTheme(): Theme {
  const stored = localStorage.getItem(STORED);
  if (stored === 'light' || stored === 'dark') return stored;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

class View {
  chosen = $state.raw<Chosen | null>(null);
  /** Null follows now. */
  fixed_us = $state<number | null>(null);
  theme = $state<Theme>(firstTheme());
  panel = $state<Panel>('needs');
  layer = $state<Layer>('levels');
  follow = $derived(this.fixed_us === null);
  at_us = $derived(this.fixed_us ?? live.now_us);
  #alarms = $derived(live.world?.alarms ?? []);
  #rows = $derived(live.world?.alarm_rows ?? []);
  #incidents = $derived(live.world?.incidents ?? []);
  #alerts = $derived(live.world?.alerts ?? []);
  /** What needs eyes at the instant shown, worked out when one of its parts changes. */
  needs: Needs = $derived(needs({ alarms: this.#alarms, rows: this.#rows, incidents: this.#incidents, alerts: this.#alerts }, this.fixed_us ?? live.second_us));
  #settling: ReturnType<typeof setTimeout> | undefined;

  /** An alarm from an opened row that is not among the most pressing. */
  beside = $state.raw<Alarm | null>(null);

  choose(chosen: Chosen, beside: Alarm | null = null): void {
    this.chosen = chosen;
    this.beside = beside;
    this.panel = 'detail';
  }

  /** Moves the screen to an instant inside the time line; null, or now itself, follows now. */
  goTo(at_us: number | null): void {
    if (at_us === null) {
      this.fixed_us = null;
      return;
    }
    const now_us = live.now_us;
    const fixed_us = Math.min(now_us + AHEAD_US, Math.max(now_us - PAST_US, Math.round(at_us)));
    this.fixed_us = fixed_us;
    clearTimeout(this.#settling);
    if (fixed_us < now_us) this.#settling = setTimeout(() => void live.fetchThen(fixed_us), SETTLED_MS);
  }

  switchTheme(): void {
    this.theme = this.theme === 'light' ? 'dark' : 'light';
    localStorage.setItem(STORED, this.theme);
  }
}

export const view = new View();
