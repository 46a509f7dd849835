// SPDX-License-Identifier: Apache-2.0
// The flood layer's one picture of itself: what the server knows of floods, and what of it this person looks at.
import { ask, Problem } from '../api';
import { live } from '../state/live.svelte';
import { view } from '../state/view.svelte';
import { problemText } from '../words/problem';
import { leadReaching, nearestLead, pictureOf, query, within, type Flood, type FloodAt, type FloodedTowns, type Kind } from './flood';

const HOUR_S = 3600;

class FloodView {
  known = $state.raw<Flood | null>(null);
  towns = $state.raw<FloodedTowns | null>(null);
  problem = $state('');
  pictureFailed = $state(false);
  kind = $state<Kind>('depth');
  limit_m = $state(0.3);
  /** What a person asked for last; the forecast may have other leads. */
  wished_s = $state(3 * HOUR_S);

  /** The instant up to which forecasts count, when the screen stands in the past; else the newest. */
  readonly as_of = $derived(view.fixed_us !== null && view.fixed_us < live.now_us ? new Date(view.fixed_us / 1000).toISOString() : null);
  readonly leads_s = $derived(this.known?.leads_s ?? []);
  readonly lead_s = $derived(nearestLead(this.leads_s, this.wished_s));
  readonly issued_us = $derived(this.known?.issued ? Date.parse(this.known.issued) * 1000 : null);
  readonly picture = $derived(this.known && pictureOf(this.known, this.kind, this.lead_s, this.limit_m, this.as_of));
  readonly beyond = $derived(this.lead_s !== null && (this.known?.beyond_library_s ?? []).includes(this.lead_s));
  #asked = 0;
  #askedTowns = 0;

  async load(): Promise<void> {
    const turn = ++this.#asked;
    try {
      const known = await ask.get<Flood>(`/api/flood?${query({ as_of: this.as_of })}`);
      if (turn !== this.#asked) return;
      this.known = known;
      this.problem = '';
      this.pictureFailed = false;
      if (!this.picture) this.towns = null;
    } catch (error) {
      if (turn === this.#asked) this.problem = problemText(error);
    }
  }

  async loadTowns(): Promise<void> {
    const turn = ++this.#askedTowns;
    if (this.lead_s === null) return;
    try {
      const towns = await ask.get<FloodedTowns>(`/api/flood/towns?${query({ lead_s: this.lead_s, as_of: this.as_of })}`);
      if (turn === this.#askedTowns) this.towns = towns;
    } catch (error) {
      if (turn !== this.#askedTowns) return;
      this.towns = null; // none rather than those of another lead
      if (!isOver(error)) this.problem = problemText(error);
    }
  }

  /** Depth at a place; null when it lies outside of what was computed. */
  async at(longitude: number, latitude: number): Promise<FloodAt | null> {
    if (this.known && !within(this.known.corners, [longitude, latitude])) return null;
    try {
      return await ask.get<FloodAt>(`/api/flood/at?${query({ lon: longitude, lat: latitude, as_of: this.as_of })}`);
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return null;
      throw error;
    }
  }

  /** The time line was moved ahead: the map follows to the lead that reaches there. */
  reach(at_us: number): void {
    if (this.issued_us === null) return;
    this.wished_s = leadReaching(this.leads_s, this.issued_us, at_us) ?? this.wished_s;
  }

  async compute(on: boolean): Promise<void> {
    try {
      await (on ? ask.post('/api/flood/run') : ask.remove('/api/flood/run'));
      await this.load();
    } catch (error) {
      this.problem = problemText(error);
    }
  }
}

/** The forecast went out of date between two questions; the next answer says so. */
const isOver = (error: unknown): boolean => error instanceof Problem && (error.status === 404 || error.status === 409);

export const flood = new FloodView();
