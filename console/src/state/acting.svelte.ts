// SPDX-License-Identifier: Apache-2.0
// One action at a time towards the server: busy, failed in words, then the picture is refreshed.
import { problemText } from '../words/problem';
import { live } from './live.svelte';

export class Acting {
  busy = $state(false);
  problem = $state('');

  /** Runs an action; true when it was done. */
  async run(action: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.problem = '';
    try {
      await action();
      return true;
    } catch (error) {
      this.problem = problemText(error);
      return false;
    } finally {
      this.busy = false;
      void live.refresh();
    }
  }
}
