/** Variables and quotes in a word of a Dockerfile, as the Dockerfile reference has them. Pure. */

/**
 * `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}` become values; quotes go, and nothing is
 * replaced inside single quotes or after a backslash. An unknown variable is the empty string.
 */
export function expandWord(word: string, variables: ReadonlyMap<string, string>): string {
  let expanded = '';
  let quote: '"' | "'" | undefined;
  for (let index = 0; index < word.length; index += 1) {
    const char = word.charAt(index);
    if (char === quote) {
      quote = undefined;
    } else if (quote === undefined && (char === '"' || char === "'")) {
      quote = char;
    } else if (char === '\\' && quote !== "'" && index + 1 < word.length) {
      const next = word.charAt(index + 1);
      // Within double quotes a backslash is one, unless it protects something.
      expanded += quote === '"' && !'"$\\'.includes(next) ? char + next : next;
      index += 1;
    } else if (char === '$' && quote !== "'") {
      const variable = VARIABLE.exec(word.slice(index));
      expanded += variable === null ? char : substitute(variable, variables);
      index += variable === null ? 0 : variable[0].length - 1;
    } else {
      expanded += char;
    }
  }
  return expanded;
}

const VARIABLE = /^\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})/;

function substitute(match: RegExpExecArray, variables: ReadonlyMap<string, string>): string {
  const [, bare, braced, operator, word] = match;
  const value = variables.get(bare ?? braced ?? '') ?? '';
  if (operator === '-') return value === '' ? expandWord(word ?? '', variables) : value;
  if (operator === '+') return value === '' ? '' : expandWord(word ?? '', variables);
  return value;
}
