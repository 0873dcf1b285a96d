/**
 * Reads TypeScript and JavaScript just far enough to tell code from comments, strings, templates and regular
 * expressions, and to list what a file imports. It is no parser: it knows no grammar beyond that.
 */

/** A string literal of the source, with the code that stands before it. */
interface Literal {
  readonly value: string;
  readonly before: string;
  readonly line: number;
}

export interface MaskedSource {
  /** The source with comments and the contents of literals blanked; lines and columns are kept. */
  readonly code: string;
  readonly literals: readonly Literal[];
}

export interface ImportSpecifier {
  readonly specifier: string;
  /** `import type`, `export type` or a type-position `import('x')`: gone at run time. */
  readonly typeOnly: boolean;
  readonly line: number;
}

/** After these a `/` starts a regular expression, not a division. */
const BEFORE_REGEX =
  /(?:^|[=(,;:!&|?{}[+\-*%~^<>]|\b(?:return|typeof|case|of|in|do|else|throw|await|yield))\s*$/;
/** How much code before a literal is kept: the longest `import { … } from` list of a 400-line file fits. */
const BEFORE_CHARACTERS = 4_000;

export function maskSource(source: string): MaskedSource {
  const literals: Literal[] = [];
  // Depth of braces within each open `${`.
  const templates: number[] = [];
  let code = '';
  let position = 0;
  const blank = (end: number) => {
    code += source.slice(position, end).replaceAll(/[^\n]/g, ' ');
    position = end;
  };
  const keep = (count: number) => {
    code += source.slice(position, position + count);
    position += count;
  };
  const template = () => {
    const end = endOfTemplateText(source, position);
    blank(end);
    if (source.startsWith('${', position)) {
      keep(2);
      templates.push(0);
    } else if (position < source.length) keep(1);
  };
  while (position < source.length) {
    const character = source.charAt(position);
    if (source.startsWith('//', position)) blank(endAt(source, '\n', position));
    else if (source.startsWith('/*', position)) blank(endAt(source, '*/', position + 2) + 2);
    else if (character === "'" || character === '"') {
      const end = endOfString(source, position + 1, character);
      literals.push({
        value: source.slice(position + 1, end),
        before: code.slice(-BEFORE_CHARACTERS),
        line: code.split('\n').length,
      });
      keep(1);
      blank(end);
      keep(1);
    } else if (character === '`') {
      keep(1);
      template();
    } else if (character === '/' && BEFORE_REGEX.test(code.slice(-40))) {
      const end = endOfRegex(source, position + 1);
      keep(1);
      blank(end);
      keep(1);
    } else {
      const depth = templates.at(-1);
      keep(1);
      if (depth === undefined) continue;
      if (character === '{') templates[templates.length - 1] = depth + 1;
      else if (character === '}' && depth > 0) templates[templates.length - 1] = depth - 1;
      else if (character === '}') {
        templates.pop();
        template();
      }
    }
  }
  return { code, literals };
}

function endAt(source: string, text: string, from: number): number {
  const found = source.indexOf(text, from);
  return found === -1 ? source.length : found;
}

function endOfString(source: string, from: number, quote: string): number {
  let position = from;
  while (position < source.length && source.charAt(position) !== quote && source.charAt(position) !== '\n') {
    position += source.charAt(position) === '\\' ? 2 : 1;
  }
  return position;
}

function endOfTemplateText(source: string, from: number): number {
  let position = from;
  while (position < source.length && source.charAt(position) !== '`' && !source.startsWith('${', position)) {
    position += source.charAt(position) === '\\' ? 2 : 1;
  }
  return position;
}

function endOfRegex(source: string, from: number): number {
  let inClass = false;
  let position = from;
  for (; position < source.length && source.charAt(position) !== '\n'; position += 1) {
    const character = source.charAt(position);
    if (character === '\\') position += 1;
    else if (character === '[') inClass = true;
    else if (character === ']') inClass = false;
    else if (character === '/' && !inClass) break;
  }
  return position;
}

/** Every module that a source names: `import`, `import type`, `export … from`, `import()`, in values and types. */
export function importsOf(source: string): readonly ImportSpecifier[] {
  return maskSource(source).literals.flatMap(({ value, before, line }) => {
    const statement = before.match(/\b(import|export)\b(\s+type\b)?[^;'"()=]*\bfrom\s*$/);
    if (statement !== null) {
      return [{ specifier: value, typeOnly: statement[2] !== undefined, line }];
    }
    if (/\bimport\s*$/.test(before)) return [{ specifier: value, typeOnly: false, line }];
    const call = before.match(/(\btypeof\s+|[:<|&]\s*)?\bimport\s*\(\s*$/);
    return call === null ? [] : [{ specifier: value, typeOnly: call[1] !== undefined, line }];
  });
}
