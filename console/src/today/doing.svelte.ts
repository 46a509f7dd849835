// SPDX-License-Identifier: Apache-2.0
// One call at a time from a page that is not the live screen: busy, and failed in words.
import { problemText } from '../words/problem';
import { Problem } from '../api';
import { session } from '../state/session.svelte';

export class Doing {
  busy = $state(false);
  problem = $state('');

  /** What the call gives, or undefined when it failed or another one runs. */
  async run<T>(call: () => Promise<T>): Promise<T | undefined> {
    if (this.busy) return undefined;
    this.busy = true;
    this.problem = '';
    try {
      return await call();
    } catch (error) {
      if (error instanceof Problem && error.status === 401) session.signedOut();
      this.problem = problemText(error);
      return undefined;
    } finally {
      this.busy = false;
    }
  }
}
