// SPDX-License-Identifier: Apache-2.0
// The difference between two texts, word by word, so the second person sees what changed. Pure.

export interface Piece {
  kind: 'same' | 'added' | 'removed';
  text: string;
}

/** Longest text compared, in words; a longer one is shown as replaced whole. */
const WORDS_MAX = 800;
/** Two sentences with fewer words in common than this share are shown as replaced, not mixed. */
const ALIKE_MIN = 0.55;

/** Pieces that lead from `before` to `after`: word by word in sentences that are alike, else whole sentences. */
export function textDiff(before: string, after: string): Piece[] {
  const [a, b] = [sentences(before), sentences(after)];
  const pieces: Piece[] = [];
  let removed: string[] = [];
  let added: string[] = [];
  const settle = (): void => {
    pieces.push(...paired(removed, added));
    [removed, added] = [[], []];
  };
  for (const piece of walk(a, b, lengths(a, b))) {
    if (piece.kind === 'removed') removed.push(piece.text);
    else if (piece.kind === 'added') added.push(piece.text);
    else {
      settle();
      pieces.push(piece);
    }
  }
  settle();
  return joined(pieces);
}

/** Sentences with the white space that follows them. */
function sentences(text: string): string[] {
  return text.match(/[^.!?\n]*(?:[.!?](?=\S)[^.!?\n]*)*[.!?\n]*\s*/g)?.filter(Boolean) ?? [];
}

/** Sentences that stand in the same place: alike ones compared by words, the rest replaced. */
function paired(removed: string[], added: string[]): Piece[] {
  if (removed.length !== added.length) return replaced(removed.join(''), added.join(''));
  return removed.flatMap((text, i) => replaced(text, added[i]!));
}

function replaced(gone: string, come: string): Piece[] {
  if (gone && come && alike(gone, come)) return wordDiff(gone, come);
  const pieces: Piece[] = [
    { kind: 'removed', text: gone },
    { kind: 'added', text: come },
  ];
  return pieces.filter((piece) => piece.text);
}

function alike(before: string, after: string): boolean {
  const same = wordDiff(before, after).filter((piece) => piece.kind === 'same').map((piece) => piece.text).join('');
  const plain = (text: string) => text.replace(/\s/g, '').length;
  return plain(same) >= ALIKE_MIN * Math.max(plain(before), plain(after));
}

/** Pieces that lead from `before` to `after`, word by word; joined without the removed ones they are `after`. */
export function wordDiff(before: string, after: string): Piece[] {
  const a = before.match(/\s+|[^\s]+/g) ?? [];
  const b = after.match(/\s+|[^\s]+/g) ?? [];
  if (a.length > WORDS_MAX || b.length > WORDS_MAX) {
    return before === after ? [{ kind: 'same', text: after }] : [{ kind: 'removed', text: before }, { kind: 'added', text: after }];
  }
  return joined(walk(a, b, lengths(a, b)));
}

/** Lengths of the longest common subsequence of all suffix pairs. */
function lengths(a: string[], b: string[]): Uint16Array[] {
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      table[i]![j] = a[i] === b[j] ? table[i + 1]![j + 1]! + 1 : Math.max(table[i + 1]![j]!, table[i]![j + 1]!);
    }
  }
  return table;
}

function walk(a: string[], b: string[], table: Uint16Array[]): Piece[] {
  const pieces: Piece[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      pieces.push({ kind: 'same', text: b[j]! });
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && table[i + 1]![j]! >= table[i]![j + 1]!)) {
      pieces.push({ kind: 'removed', text: a[i++]! });
    } else {
      pieces.push({ kind: 'added', text: b[j++]! });
    }
  }
  return pieces;
}

function joined(pieces: Piece[]): Piece[] {
  const result: Piece[] = [];
  for (const piece of pieces) {
    const last = result.at(-1);
    if (last?.kind === piece.kind) last.text += piece.text;
    else result.push({ ...piece });
  }
  return result;
}
