import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeXml, findElement, listAt, readXml, textAt } from './xml.ts';

const document = readXml(
  '<?xml version="1.0"?>\n<A xmlns="x">\n <List>\n  <member><Name>a &lt;b&gt; &amp;amp; &#233;&#x1F600;</Name><Empty/></member>\n  <member><Name></Name></member>\n </List>\n <None/>\n</A>',
);

test('text, entities, lists and empty elements', () => {
  const [first, second] = listAt(document, 'List');
  expect(textAt(first, 'Name')).toBe('a <b> &amp; é😀');
  expect([textAt(first, 'Empty'), textAt(second, 'Name'), textAt(first, 'Missing', 'Deep')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(listAt(document, 'None')).toEqual([]);
  expect(findElement(document, 'List')?.text).toBe('');
});

test.each(['', 'text', '<a>', '<a></b>', '<a><b></a></b>'])('%j is refused', (source) => {
  expect(() => readXml(source)).toThrow();
});

test('what is escaped reads back', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (text) => {
      expect(readXml(`<a>${escapeXml(text)}</a>`).text).toBe(text);
    }),
  );
});

test('depth has a limit', () => {
  expect(() => readXml('<a>'.repeat(100) + '</a>'.repeat(100))).toThrow(/deeper than 64/);
});
