/** Which faults a rehearsal can inject, and what each takes. Pure: bodies to faults, faults to decisions. */
import { type Fields, type Parsed, parseJsonBody, parseWholeNumber } from '../json-body.ts';

export const FAULT_KINDS = ['delay', 'status', 'cpu', 'memory', 'unready', 'crash'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Every fault ends by itself, at the latest after this. */
export const MAX_FAULT_SECONDS = 600;
const DEFAULT_FAULT_SECONDS = 60;

interface Setting {
  readonly min: number;
  readonly max: number;
  readonly fallback: number;
}

/** By kind, the fields of its body beside `forSeconds`. */
export const FAULT_SETTINGS: Readonly<Record<FaultKind, Readonly<Record<string, Setting>>>> = {
  delay: {
    milliseconds: { min: 1, max: 30_000, fallback: 500 },
    percent: { min: 1, max: 100, fallback: 100 },
  },
  status: { status: { min: 400, max: 599, fallback: 503 }, percent: { min: 1, max: 100, fallback: 100 } },
  cpu: { percent: { min: 1, max: 100, fallback: 80 } },
  memory: { mebibytes: { min: 1, max: 1_024, fallback: 64 } },
  unready: {},
  crash: { afterMilliseconds: { min: 0, max: 60_000, fallback: 100 } },
};

export const FOR_SECONDS: Setting = { min: 1, max: MAX_FAULT_SECONDS, fallback: DEFAULT_FAULT_SECONDS };

export interface Fault {
  readonly kind: FaultKind;
  readonly forSeconds: number;
  /** By name, as in `FAULT_SETTINGS`. */
  readonly settings: Readonly<Record<string, number>>;
}

export function isFaultKind(text: string): text is FaultKind {
  return FAULT_KINDS.some((kind) => kind === text);
}

/** What the body of a request asks for; what it leaves out has a default. */
export function parseFault(kind: FaultKind, body: Buffer): Parsed<Fault> {
  const known = FAULT_SETTINGS[kind];
  const parsed = parseJsonBody(body, ['forSeconds', ...Object.keys(known)]);
  if (!parsed.ok) return parsed;
  const forSeconds = parseWholeNumber(parsed.fields, 'forSeconds', FOR_SECONDS);
  if (!forSeconds.ok) return forSeconds;
  const settings = parseSettings(parsed.fields, known);
  if (!settings.ok) return settings;
  return { ok: true, value: { kind, forSeconds: forSeconds.value, settings: settings.value } };
}

function parseSettings(
  fields: Fields,
  known: Readonly<Record<string, Setting>>,
): Parsed<Readonly<Record<string, number>>> {
  const settings: Record<string, number> = {};
  for (const [name, range] of Object.entries(known)) {
    const number = parseWholeNumber(fields, name, range);
    if (!number.ok) return number;
    settings[name] = number.value;
  }
  return { ok: true, value: settings };
}

export interface FaultDecision {
  readonly delayMs: number;
  /** Status to answer instead of the route's; undefined to let the route answer. */
  readonly status: number | undefined;
}

export const NO_FAULT: FaultDecision = { delayMs: 0, status: undefined };

/**
 * What happens to one request.
 * @param chance from 0 up to 1, drawn anew for each request
 */
export function decideFault(
  delay: Fault | undefined,
  status: Fault | undefined,
  chance: number,
): FaultDecision {
  const hit = (fault: Fault | undefined): fault is Fault =>
    fault !== undefined && chance * 100 < (fault.settings.percent ?? 100);
  return {
    delayMs: hit(delay) ? (delay.settings.milliseconds ?? 0) : 0,
    status: hit(status) ? status.settings.status : undefined,
  };
}
