/** Takes an image reference apart, as a container runtime does. Pure. */

export interface ImageReference {
  /** Host with optional port, or undefined when the reference has none. */
  readonly registry: string | undefined;
  readonly repository: string;
  /** A digest (`sha256:...`) when the reference has one, else the tag, else `latest`. */
  readonly reference: string;
}

const REPOSITORY = /^[a-z0-9]+(?:[._/-][a-z0-9]+|__[a-z0-9]+)*$/;
const REGISTRY = /^[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^sha256:[a-f0-9]{64}$/;

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** @returns undefined when the text is not an image reference */
export function parseImageReference(image: string): ImageReference | undefined {
  const [named, digest] = splitOnce(image, '@');
  if (digest !== undefined && !DIGEST.test(digest)) return undefined;

  const [first, rest] = splitOnce(named, '/');
  const hasRegistry = rest !== undefined && (/[.:]/.test(first) || first === 'localhost');
  const registry = hasRegistry ? first : undefined;
  const [repository, tag] = splitOnce(hasRegistry ? rest : named, ':');
  if (registry !== undefined && !REGISTRY.test(registry)) return undefined;
  if (!REPOSITORY.test(repository)) return undefined;
  if (tag !== undefined && !TAG.test(tag)) return undefined;
  return { registry, repository, reference: digest ?? tag ?? 'latest' };
}
