// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { wordDiff } from './diff';

const after = (pieces: ReturnType<typeof wordDiff>) => pieces.filter((p) => p.kind !== 'removed').map((p) => p.text).join('');
const before = (pieces: ReturnType<typeof wordDiff>) => pieces.filter((p) => p.kind !== 'added').map((p) => p.text).join('');

test('a changed word is shown as removed and added, the rest as the same', () => {
  expect(wordDiff('수위가 4.5 m에 이릅니다.', '수위가 5.5 m에 이릅니다.')).toEqual([
    { kind: 'same', text: '수위가 ' },
    { kind: 'removed', text: '4.5' },
    { kind: 'added', text: '5.5' },
    { kind: 'same', text: ' m에 이릅니다.' },
  ]);
});

test('both texts can be read back from the pieces', () => {
  const texts = ['', 'a', 'a b c', 'b  c\nd', 'x a b y', '둔치에 들어가지 마십시오.', '둔치와 지하차도에 들어가지 마십시오.'];
  for (const a of texts) {
    for (const b of texts) {
      const pieces = wordDiff(a, b);
      expect([before(pieces), after(pieces)]).toEqual([a, b]);
    }
  }
});

test('very long texts are shown as replaced whole rather than compared for seconds', () => {
  const long = 'word '.repeat(2000);
  expect(wordDiff(long, `${long}x`).map((p) => p.kind)).toEqual(['removed', 'added']);
  expect(wordDiff(long, long)).toEqual([{ kind: 'same', text: long }]);
});
