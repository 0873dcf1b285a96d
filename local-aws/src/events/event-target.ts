/** What a rule's target is given of an event: all of it, a part, a fixed text, or a template. Pure. */
import * as z from 'zod';
import type { EventDocument } from './aws-event.ts';

export const eventTarget = z.object({
  Id: z.string(),
  Arn: z.string(),
  Input: z.string().optional(),
  InputPath: z.string().optional(),
  InputTransformer: z
    .object({ InputPathsMap: z.record(z.string(), z.string()).default({}), InputTemplate: z.string() })
    .optional(),
});

export type EventTarget = z.infer<typeof eventTarget>;

export function renderTargetInput(target: EventTarget, event: EventDocument): string {
  if (target.Input !== undefined) return target.Input;
  if (target.InputTransformer !== undefined) return fillTemplate(target.InputTransformer, event);
  return JSON.stringify(target.InputPath === undefined ? event : valueAt(event, target.InputPath));
}

/** A template that is one JSON string is handed on as its text: that is how a person gets a sentence. */
function fillTemplate(
  { InputPathsMap, InputTemplate }: NonNullable<EventTarget['InputTransformer']>,
  event: EventDocument,
): string {
  const quoted = /^\s*"/.test(InputTemplate);
  const filled = InputTemplate.replaceAll(/<([A-Za-z0-9_.-]+)>/g, (whole, name: string) => {
    const path = InputPathsMap[name];
    if (path === undefined) return whole;
    const value = valueAt(event, path);
    if (!quoted) return JSON.stringify(value ?? null);
    const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
    return JSON.stringify(text).slice(1, -1);
  });
  if (!quoted) return filled;
  try {
    return String(JSON.parse(filled));
  } catch {
    return filled;
  }
}

/** `$.detail.reason`, `$.resources[0]` */
function valueAt(event: EventDocument, path: string): unknown {
  const steps = path.match(/[^.[\]$]+/g) ?? [];
  return steps.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as Record<string, unknown>)[step]
        : undefined,
    event,
  );
}
