/**
 * Reads the XML that moto answers: elements and text, no attributes, comments or namespaces.
 * Not a general XML parser; input comes from our own child process only.
 */

export interface XmlElement {
  readonly name: string;
  /** Text directly inside, entities resolved; empty where there are only children. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

interface OpenElement {
  readonly name: string;
  text: string;
  readonly children: XmlElement[];
}

/** Deeper answers than this do not exist in the services that are read here. */
const maxDepthLevels = 64;

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/**
 * @returns the document's outermost element
 * @throws Error when tags do not match, or the nesting is deeper than 64
 */
export function readXml(source: string): XmlElement {
  const root: OpenElement = { name: '', text: '', children: [] };
  const open: OpenElement[] = [root];
  const token = /<([^>]*)>|([^<]+)/g;
  for (const [, tag, text] of source.matchAll(token)) {
    const current = open.at(-1) ?? root;
    if (text !== undefined) current.text += text;
    else if (tag !== undefined) applyTag(open, current, tag);
  }
  const [document] = root.children;
  if (open.length !== 1 || document === undefined) {
    throw new Error(`not a complete XML document: ${source.slice(0, 120)}`);
  }
  return document;
}

function applyTag(open: OpenElement[], current: OpenElement, tag: string): void {
  if (tag.startsWith('?') || tag.startsWith('!')) return;
  if (tag.startsWith('/')) {
    if (tag.slice(1).trim() !== current.name)
      throw new Error(`XML element ${current.name} closed by <${tag}>`);
    open.pop();
    open.at(-1)?.children.push(finish(current));
    return;
  }
  const name = /^[^\s/]+/.exec(tag)?.[0] ?? '';
  const element: OpenElement = { name, text: '', children: [] };
  if (tag.endsWith('/')) current.children.push(finish(element));
  else if (open.length >= maxDepthLevels) throw new Error(`XML nested deeper than ${maxDepthLevels} levels`);
  else open.push(element);
}

function finish(element: OpenElement): XmlElement {
  const text = element.children.length > 0 ? '' : unescapeXml(element.text);
  return { name: element.name, text, children: element.children };
}

function unescapeXml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (whole, entity: string) => {
    if (entity.startsWith('#x')) return String.fromCodePoint(Number.parseInt(entity.slice(2), 16));
    if (entity.startsWith('#')) return String.fromCodePoint(Number(entity.slice(1)));
    return entities[entity] ?? whole;
  });
}

/** The element at a path of names, the first of each name. */
export function findElement(
  element: XmlElement | undefined,
  ...path: readonly string[]
): XmlElement | undefined {
  let found = element;
  for (const name of path) found = found?.children.find((child) => child.name === name);
  return found;
}

/** Text at a path of names; undefined when absent or empty. */
export function textAt(element: XmlElement | undefined, ...path: readonly string[]): string | undefined {
  return findElement(element, ...path)?.text || undefined;
}

/** The children of a list element: `<member>` in query services, `<item>` in EC2. */
export function listAt(element: XmlElement | undefined, ...path: readonly string[]): readonly XmlElement[] {
  return findElement(element, ...path)?.children ?? [];
}

export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => {
    switch (character) {
      case '<':
        return '&lt;';
      case '>':
        return '&gt;';
      case '&':
        return '&amp;';
      case '"':
        return '&quot;';
      default:
        return '&apos;';
    }
  });
}
