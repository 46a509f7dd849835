// SPDX-License-Identifier: Apache-2.0
// Scores as people read them; what is not known is a dash.

/** `91 %`; a dash for what is not known. */
export const percent = (share: number | null): string => (share === null ? '–' : `${Math.round(share * 100)} %`);

/** `0.42`; a dash for what is not known. */
export const figure = (value: number | null, digits = 2): string => (value === null ? '–' : value.toFixed(digits));

/** `0.42 (0.31–0.50)`: a figure and where it lies in 90 of 100 draws, if that is known. */
export function between(value: number | null, interval: [number, number] | undefined, digits = 2): string {
  const range = interval && `${figure(interval[0], digits)}–${figure(interval[1], digits)}`.replaceAll('-', '−');
  return range ? `${figure(value, digits)} (${range})` : figure(value, digits);
}
