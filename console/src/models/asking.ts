// SPDX-License-Identifier: Apache-2.0
// The cards of the models, as the server tells them.
import { ask } from '../api';
import type { Language } from '../state/facts';

/** What people at the desk read of a card. */
export interface CardWords {
  name: string;
  purpose: string;
  direction_of_error: string;
  limits: string[];
}

export interface ModelCard extends CardWords {
  id: string;
  maturity: 'shadow' | 'advisory' | 'operational';
  figures: { what: string; value: string; goal: string; command: string; page: string }[];
  data: { what: string; use: string; span: string; origin: string; licence: string }[];
  contact: string;
  ko: CardWords | null;
}

export interface ModelCards {
  models: ModelCard[];
  /** Plugged-in hazards that have no card. */
  without_card: string[];
}

export const asking = { all: () => ask.get<ModelCards>('/api/models') };

/** The card's words in a language, and which language they are in: not every card is translated. */
export function spoken(card: ModelCard, language: Language): { words: CardWords; lang: Language } {
  return language === 'ko' && card.ko ? { words: card.ko, lang: 'ko' } : { words: { ...card, name: card.name || card.id }, lang: 'en' };
}
