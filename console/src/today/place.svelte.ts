// SPDX-License-Identifier: Apache-2.0
// Which page the address names: the console, today, thresholds; `#/thresholds/42` names a datastream too.
export type Place = 'console' | 'today' | 'thresholds';

class Address {
  hash = $state(location.hash);
  #parts = $derived(this.hash.replace(/^#\//, '').split('/'));
  place: Place = $derived(this.#parts[0] === 'today' || this.#parts[0] === 'thresholds' ? this.#parts[0] : 'console');
  /** The datastream named behind the page; 0 when there is none. */
  stream = $derived(Number(/^\d{1,9}$/.exec(this.#parts[1] ?? '')?.[0] ?? 0));

  constructor() {
    addEventListener('hashchange', () => (this.hash = location.hash));
  }
}

export const address = new Address();
