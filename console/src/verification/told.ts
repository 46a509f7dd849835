// SPDX-License-Identifier: Apache-2.0
// Scores as people read them; what is not known is a dash.

/** `91 %`; a dash for what is not known. */
export const percent = (share: number | null): string => (share === null ? '–' : `${Math.round(share * 100)} %`);

/** `0.42`; a dash for what is not known. */
export const figure = (value: number | null, digits = 2): string => (value === null ? '–' : value.toFixed(digits));
