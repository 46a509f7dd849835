// SPDX-License-Identifier: Apache-2.0
// A failed call in words for the operator.
import { Problem } from '../api';
import { t } from './speech.svelte';

export function problemText(error: unknown): string {
  if (!(error instanceof Problem)) throw error;
  if (error.status === 0) return t('problemUnreachable');
  const start = error.status === 409 ? t('problemConflict') : error.status === 403 ? t('problemForbidden') : t('problemOther');
  return [start, error.detail, error.mend].filter(Boolean).join(' ');
}
