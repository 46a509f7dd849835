// SPDX-License-Identifier: Apache-2.0
// Which rows of a long table are drawn, and which a key leads to. Pure.

/** Rows drawn above and below those in view, so that scrolling shows no gap and short tables stand whole. */
const BEYOND = 20;

/** The rows to draw, `from` inclusive, `to` exclusive, of `total` rows `row_px` high. */
export function inView(total: number, top_px: number, height_px: number, row_px: number): { from: number; to: number } {
  const first = Math.min(Math.floor(top_px / row_px), total);
  return { from: Math.max(0, first - BEYOND), to: Math.min(total, first + Math.ceil(height_px / row_px) + BEYOND) };
}

/** The row a key leads to from row `from`; null for keys that move nothing. */
export function stepped(key: string, from: number, total: number, page: number): number | null {
  const to = { ArrowDown: from + 1, ArrowUp: from - 1, PageDown: from + page, PageUp: from - page, Home: 0, End: total - 1 }[key];
  return to === undefined || total === 0 ? null : Math.min(total - 1, Math.max(0, to));
}
