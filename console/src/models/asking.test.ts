// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { spoken, type ModelCard } from './asking';

const words = { name: 'River', purpose: 'p', direction_of_error: 'd', limits: ['l'] };
const ko = { name: '하천', purpose: '뜻', direction_of_error: '쪽', limits: ['한계'] };
const card: ModelCard = { id: 'river', maturity: 'advisory', figures: [], data: [], contact: 'c', ...words, ko };

test('a card speaks Korean where it is translated, English elsewhere, and says which', () => {
  expect(spoken(card, 'ko')).toEqual({ words: ko, lang: 'ko' });
  expect(spoken(card, 'en')).toMatchObject({ words, lang: 'en' });
  expect(spoken({ ...card, ko: null }, 'ko')).toMatchObject({ words, lang: 'en' });
});

test('a card without a name is called by its id', () => {
  expect(spoken({ ...card, name: '', ko: null }, 'en').words.name).toBe('river');
});
