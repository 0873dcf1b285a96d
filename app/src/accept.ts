/** Content negotiation between the two forms of the front page (RFC 9110, 12.5.1). Pure. */

interface Preference {
  readonly range: string;
  readonly quality: number;
}

const MAX_RANGES = 32;

function parsePreferences(accept: string): readonly Preference[] {
  return accept
    .split(',', MAX_RANGES)
    .map((part) => {
      const [range = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
      const given = parameters.find((parameter) => parameter.startsWith('q='));
      const quality = given === undefined ? 1 : Number(given.slice(2));
      return { range, quality: Number.isFinite(quality) ? quality : 0 };
    })
    .filter(({ range }) => range !== '');
}

/** Quality of one media type: the most specific range that covers it decides. */
function qualityOf(mediaType: string, preferences: readonly Preference[]): number {
  const family = `${mediaType.slice(0, mediaType.indexOf('/'))}/*`;
  for (const range of [mediaType, family, '*/*']) {
    const found = preferences.find((preference) => preference.range === range);
    if (found !== undefined) return found.quality;
  }
  return 0;
}

/** Whether the client likes HTML better than JSON. Equal or no preference (curl sends any/any) means JSON. */
export function prefersHtml(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  const preferences = parsePreferences(accept);
  return qualityOf('text/html', preferences) > qualityOf('application/json', preferences);
}
