// The public API of Spillway: re-exports only, pinned by a snapshot test.

export type { Annotated, AnnotateOptions, GivenRow } from "./catalog/annotate-options.js";
export type { CatalogColumn } from "./catalog/columns.js";
export type { QueryAnswer, QueryColumn, QueryValue } from "./catalog/query.js";
export type { SampleRow } from "./catalog/rows.js";
export type { Scheme } from "./catalog/scheme.js";
export type { SplitReport } from "./catalog/split-report.js";
export type { SplitBy } from "./catalog/split-rule.js";
export type { SqlOptions } from "./catalog/sql-table.js";
export type { ChannelStatistics, SetStatistics } from "./catalog/statistics.js";
export { Catalog } from "./dataset/catalog.js";
export type { PlainViewOptions, ViewOptions } from "./dataset/choose.js";
export { Dataset, type DatasetStats, type OpenOptions, open } from "./dataset/dataset.js";
export type { ExcludeResult, Which } from "./dataset/exclude.js";
export type { StatisticsChoice } from "./dataset/kept-statistics.js";
export { type Mix, type MixedBatches, type MixedBatchOptions, mix } from "./dataset/mix.js";
export type { MixedBatch } from "./dataset/mixed-batch.js";
export type { MeanAndStd, Normalize } from "./dataset/normalize.js";
export type {
  CheckOptions,
  ExtendOptions,
  SplitCheck,
  SplitExtension,
  SplitOptions,
  SplitResult,
} from "./dataset/split.js";
export type { StatisticsOptions } from "./dataset/statistics.js";
export { type Batches, type BatchOptions, type BatchSource, View } from "./dataset/view.js";
export { type ErrorCode, type ErrorPlace, SpillwayError } from "./errors.js";
export type { Columns, ColumnType, ColumnValue } from "./format/columns.js";
export type { Batch, BatchField } from "./load/batch.js";
export type { ImageOptions } from "./load/image-crop.js";
export type { Deliver } from "./load/plan.js";
export type { Last } from "./order/schedule.js";
export type { Take } from "./order/take.js";
export {
  type FieldPrecision,
  measurePrecision,
  type PrecisionOptions,
  type PrecisionReport,
} from "./pack/measure-precision.js";
export type { PackOptions, PackProgress, PackResult } from "./pack/options.js";
export { append, index, pack } from "./pack/pack.js";
export type { DtypeChoice } from "./pack/stored-fields.js";
export type { DType, TypedArray } from "./tensor/dtype.js";
export type { ChannelCode, Encoding } from "./tensor/encoding.js";
export {
  type ClassField,
  classes,
  type EncodedImageOptions,
  encodedImage,
  type Field,
  type Fields,
  type ImageField,
  type TensorField,
  tensor,
} from "./tensor/field.js";
