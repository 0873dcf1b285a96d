/**
 * The types of Grafana's SDK that the committed dashboards must have. `dashboard-schema.ts` makes JSON Schemas of them.
 * Options and custom fields of a panel are untyped in the SDK's dashboard; here is what they are by the panel's type.
 */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';
import type { Options as SdkStatOptions } from '@grafana/grafana-foundation-sdk/stat';
import type {
  FieldConfig as SdkTableFields,
  Options as SdkTableOptions,
} from '@grafana/grafana-foundation-sdk/table';
import type {
  FieldConfig as SdkTimeseriesFields,
  Options as SdkTimeseriesOptions,
} from '@grafana/grafana-foundation-sdk/timeseries';

/** Named otherwise than the SDK's own, which a schema must have beside it. */
export type DashboardFile = Dashboard;
export type PrometheusQuery = Dataquery;
export type StatOptions = SdkStatOptions;
export type TableOptions = SdkTableOptions;
export type TableFields = SdkTableFields;
export type TimeseriesOptions = SdkTimeseriesOptions;
export type TimeseriesFields = SdkTimeseriesFields;
