// SPDX-License-Identifier: Apache-2.0
// The colours of the style sheet as a canvas needs them.
export interface Ink {
  ink: string;
  ink3: string;
  line: string;
  accent: string;
  bad: string;
  panel: string;
}

/** The theme's colours as they stand on an element. */
export function inkOf(element: HTMLElement): Ink {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return { ink: read('--ink'), ink3: read('--ink-3'), line: read('--line'), accent: read('--accent'), bad: read('--bad'), panel: read('--panel') };
}

/** A colour of the style sheet (#rgb or #rrggbb: the build may shorten it) with an opacity. */
export function alpha(hex: string, part: number): string {
  const full = hex.length === 4 ? hex.replace(/[^#]/g, '$&$&') : hex;
  return `${full}${Math.round(part * 255).toString(16).padStart(2, '0')}`;
}
