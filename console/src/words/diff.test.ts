// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { textDiff, wordDiff } from './diff';

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
      for (const pieces of [wordDiff(a, b), textDiff(a, b)]) expect([before(pieces), after(pieces)]).toEqual([a, b]);
    }
  }
});

test('very long texts are shown as replaced whole rather than compared for seconds', () => {
  const long = 'word '.repeat(2000);
  expect(wordDiff(long, `${long}x`).map((p) => p.kind)).toEqual(['removed', 'added']);
  expect(wordDiff(long, long)).toEqual([{ kind: 'same', text: long }]);
});

test('a sentence that says something else is replaced whole, one that differs in a word is not', () => {
  const old = '[훈련] 태화강 하류 물이 12:20쯤 홍수주의보 수위에 닿을 것으로 보입니다. 수위는 4.5 m입니다.';
  const now = '[훈련] 앞서 보낸 알림을 바꿉니다. 수위는 5.5 m입니다.';
  const pieces = textDiff(old, now);
  expect([before(pieces), after(pieces)]).toEqual([old, now]);
  expect(pieces.slice(0, 2)).toEqual([
    { kind: 'removed', text: '[훈련] 태화강 하류 물이 12:20쯤 홍수주의보 수위에 닿을 것으로 보입니다. ' },
    { kind: 'added', text: '[훈련] 앞서 보낸 알림을 바꿉니다. ' },
  ]);
  expect(textDiff('Stay away. Go up now.', 'Stay away. Go down now.').map((p) => p.kind)).toEqual(['same', 'removed', 'added', 'same']);
});

test('a decimal point does not end a sentence', () => {
  expect(textDiff('It is 4.5 m high and rising.', 'It is 5.5 m high and rising.').map((p) => p.text)).toEqual(['It is ', '4.5', '5.5', ' m high and rising.']);
});
