// SPDX-License-Identifier: Apache-2.0
// Performance marks (W3C User Timing) of what an operator waits for; each is set once the screen has been painted.
import { tick } from 'svelte';

let useful = false;

/** `first-useful-screen`: the list of what needs eyes and the gauges' values stand on the screen. Once a page. */
export function markUseful(): void {
  if (useful) return;
  useful = true;
  void painted().then(() => performance.mark('first-useful-screen'));
}

/** `live-update`: what came by the stream is on the screen. Only the last is kept, for a console stays open for weeks. */
export function markUpdate(): void {
  void painted().then(() => {
    performance.clearMarks('live-update');
    performance.mark('live-update');
  });
}

/** Svelte has changed the document, and the browser has drawn that: the task after the next frame. */
async function painted(): Promise<void> {
  await tick();
  await new Promise((frame) => requestAnimationFrame(frame));
  await new Promise((task) => setTimeout(task));
}
