/**
 * JSON Schemas of dashboards, generated from the types of Grafana's SDK: properties that the SDK does not know are refused.
 * Generated at test time, so that a new version of the SDK is what counts from its first day on.
 */
import { dirname, join } from 'node:path';
import { Ajv, type AnySchemaObject, type ErrorObject, type ValidateFunction } from 'ajv';
import {
  type CompletedConfig,
  createFormatter,
  createParser,
  createProgram,
  DEFAULT_CONFIG,
  SchemaGenerator,
} from 'ts-json-schema-generator';
import { STACK_DIR } from './dashboard-queries.ts';

const TYPES = join(STACK_DIR, 'test', 'sdk-types.ts');
/** Says how packages are resolved; without it every type of the SDK would be `any`. */
const TSCONFIG = join(dirname(STACK_DIR), 'tsconfig.base.json');

/** What a panel holds by its type; a row has neither. */
const PANEL_TYPES: Readonly<Record<string, { options?: string; fields?: string }>> = {
  row: {},
  stat: { options: 'StatOptions' },
  table: { options: 'TableOptions', fields: 'TableFields' },
  timeseries: { options: 'TimeseriesOptions', fields: 'TimeseriesFields' },
};

interface PanelToCheck {
  readonly type: string;
  readonly title?: string;
  readonly options?: unknown;
  readonly targets?: readonly unknown[];
  readonly fieldConfig?: { readonly defaults?: { readonly custom?: unknown } };
}

/** @returns a function that lists what is wrong with a dashboard */
export function createDashboardCheck(): (dashboard: unknown) => readonly string[] {
  const validatorOf = createValidators();
  const check = (type: string, value: unknown, where: string): readonly string[] => {
    const validate = validatorOf(type);
    return validate(value) ? [] : (validate.errors ?? []).map((error) => `${where}${renderError(error)}`);
  };
  const checkPanel = (panel: PanelToCheck): readonly string[] => {
    const where = `panel ${panel.title}: `;
    const known = PANEL_TYPES[panel.type];
    if (known === undefined) return [`${where}type ${panel.type} has no schema here; add it to PANEL_TYPES`];
    const custom = panel.fieldConfig?.defaults?.custom;
    return [
      ...(known.options === undefined ? [] : check(known.options, panel.options ?? {}, `${where}options`)),
      ...(known.fields === undefined ? [] : check(known.fields, custom ?? {}, `${where}custom fields`)),
      ...(panel.targets ?? []).flatMap((target) => check('PrometheusQuery', target, `${where}query`)),
    ];
  };
  return (dashboard) => {
    const { panels = [] } = dashboard as { panels?: readonly PanelToCheck[] };
    return [...check('DashboardFile', dashboard, ''), ...panels.flatMap(checkPanel)];
  };
}

function createValidators(): (type: string) => ValidateFunction {
  const config: CompletedConfig = {
    ...DEFAULT_CONFIG,
    path: TYPES,
    tsconfig: TSCONFIG,
    skipTypeCheck: true,
    jsDoc: 'none',
  };
  const program = createProgram(config);
  const ajv = new Ajv({ strict: false, allErrors: true });
  const validators = new Map<string, ValidateFunction>();
  return (type) => {
    const known = validators.get(type);
    if (known !== undefined) return known;
    const parser = createParser(program, config);
    const generator = new SchemaGenerator(program, parser, createFormatter(config), config);
    const schema = generator.createSchema(type);
    // A panel takes queries of any data source; ours are checked as Prometheus' own.
    if (schema.definitions?.Dataquery !== undefined && type === 'DashboardFile')
      schema.definitions.Dataquery = {};
    const validate = ajv.compile(schema as AnySchemaObject);
    validators.set(type, validate);
    return validate;
  };
}

function renderError({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath} ${message} ${JSON.stringify(params)}`;
}
