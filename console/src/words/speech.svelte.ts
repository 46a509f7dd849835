// SPDX-License-Identifier: Apache-2.0
// The language of this screen, and the only door to the message catalogue.
import { messages, type Fill, type Key } from '../messages';
import type { CrisisLevel, Language, Words } from '../state/facts';

const STORED = 'cheoyong.language';

class Speech {
  language = $state<Language>(localStorage.getItem(STORED) === 'en' ? 'en' : 'ko');

  choose(language: Language): void {
    this.language = language;
    localStorage.setItem(STORED, language);
  }
}

export const speech = new Speech();

/** The text of a message in the screen's language. */
export function t<K extends Key>(key: K, ...fill: Fill<K>): string {
  const text: string = messages[key][speech.language];
  const values = (fill[0] ?? {}) as Record<string, string | number>;
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''));
}

/** Words the server sent, in the screen's language. */
export function words(text: Words | undefined | null): string {
  return text?.[speech.language] || text?.ko || '';
}

/** `관심`, `주의`, `경계`, `심각`. */
export function crisisName(level: CrisisLevel): string {
  return t(`level${level}`);
}

/** A text at the start of a line: its first letter large, where the script has large letters. */
export function title(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}
