// SPDX-License-Identifier: Apache-2.0
// What this person is looking at: the chosen thing, the instant, the theme, the phone's panel.
import { live } from './live.svelte';

export type Chosen =
  | { kind: 'gauge'; id: string }
  | { kind: 'alarm'; id: string }
  | { kind: 'incident'; id: string }
  | { kind: 'alert'; id: string };

export type Panel = 'needs' | 'map' | 'detail';
export type Theme = 'light' | 'dark';

export const PAST_US = 24 * 3600e6;
export const AHEAD_US = 6 * 3600e6;
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
  follow = $derived(this.fixed_us === null);
  at_us = $derived(this.fixed_us ?? live.now_us);

  choose(chosen: Chosen): void {
    this.chosen = chosen;
    this.panel = 'detail';
  }

  /** Moves the screen to an instant inside the time line; null, or now itself, follows now. */
  goTo(at_us: number | null): void {
    if (at_us === null) {
      this.fixed_us = null;
      return;
    }
    const now_us = live.now_us;
    this.fixed_us = Math.min(now_us + AHEAD_US, Math.max(now_us - PAST_US, Math.round(at_us)));
  }

  switchTheme(): void {
    this.theme = this.theme === 'light' ? 'dark' : 'light';
    localStorage.setItem(STORED, this.theme);
  }
}

export const view = new View();
