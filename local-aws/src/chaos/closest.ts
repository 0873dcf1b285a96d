/** "Did you mean": the known words next to one that is not known. Pure. */

/** Edits that a typing mistake usually takes; more than a third of the word is another word. */
const MAX_DISTANCE = 3;
/** A longer word is no mistyped one, and comparing it costs the square of its length. */
const MAX_WORD_CHARS = 64;

/** @returns for the end of a sentence: `; did you mean "ecs"? There are: ecr, ecs` */
export function suggestFrom(word: string, known: readonly string[]): string {
  const meant = closest(word, known);
  const question = meant === undefined ? '' : `; did you mean "${meant}"?`;
  const list = known.length === 0 ? 'There is none.' : `There are: ${known.join(', ')}.`;
  return `${question === '' ? '.' : question} ${list}`;
}

function closest(word: string, known: readonly string[]): string | undefined {
  if (word.length > MAX_WORD_CHARS) return undefined;
  const limit = Math.min(MAX_DISTANCE, Math.ceil(word.length / 3));
  return known
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)[0]?.candidate;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
