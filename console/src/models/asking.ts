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

/** What has been unlike a model's training for thirty days: in which way, by how much, read by which models. */
export interface InputDrift {
  series: string;
  name: Partial<Record<Language, string>>;
  sign: 'missing' | 'changes' | 'range' | 'lean';
  value: number;
  limit: number;
  since_us: number;
  models: string[];
}

export const asking = {
  all: () => ask.get<ModelCards>('/api/models'),
  drifting: () => ask.get<{ drifting: InputDrift[] }>('/api/models/inputs').then((found) => found.drifting),
};

/** The card's words in a language, and which language they are in: not every card is translated. */
export function spoken(card: ModelCard, language: Language): { words: CardWords; lang: Language } {
  return language === 'ko' && card.ko ? { words: card.ko, lang: 'ko' } : { words: { ...card, name: card.name || card.id }, lang: 'en' };
}
