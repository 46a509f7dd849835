// SPDX-License-Identifier: Apache-2.0
// Which page the address names: the console, today, thresholds, verification, models; `#/thresholds/42` names a datastream too.
const PLACES = ['today', 'thresholds', 'verification', 'models'] as const;
export type Place = 'console' | (typeof PLACES)[number];

class Address {
  hash = $state(location.hash);
  #parts = $derived(this.hash.replace(/^#\//, '').split('/'));
  place: Place = $derived(PLACES.find((place) => place === this.#parts[0]) ?? 'console');
  /** The datastream named behind the page; 0 when there is none. */
  stream = $derived(Number(/^\d{1,9}$/.exec(this.#parts[1] ?? '')?.[0] ?? 0));

  constructor() {
    addEventListener('hashchange', () => (this.hash = location.hash));
  }
}

export const address = new Address();
