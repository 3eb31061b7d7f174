// The public API of Spillway: re-exports only, pinned by a snapshot test.

export {
  type CustomFunction,
  type CustomInfo,
  type CustomOptions,
  custom,
} from "./augment/custom.js";
export { type ColourJitterOptions, colourJitter } from "./augment/image-colours.js";
export {
  type EraseOptions,
  erase,
  type FlipOptions,
  flip,
  type RandomResizedCropOptions,
  type RotationOptions,
  randomResizedCrop,
  rotation,
} from "./augment/image-places.js";
export { cutmix, type MixOptions, mixup } from "./augment/mixing.js";
export type { StepCost } from "./augment/step-cost.js";
export type { Augmentation } from "./augment/transform.js";
export {
  type FrequencyMaskOptions,
  frequencyMask,
  type NoiseOptions,
  noise,
} from "./augment/wave-spectrum.js";
export {
  type CropOptions,
  crop,
  type PermutationOptions,
  permutation,
  type ShiftOptions,
  shift,
  type TimeMaskOptions,
  type TimeWarpOptions,
  timeMask,
  timeWarp,
} from "./augment/wave-time.js";
export {
  type ChannelDropoutOptions,
  channelDropout,
  type JitterOptions,
  jitter,
  type MagnitudeWarpOptions,
  magnitudeWarp,
  type ScalingOptions,
  scaling,
} from "./augment/wave-values.js";
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
export { Dataset, type DatasetStats } from "./dataset/dataset.js";
export type { ExcludeResult, Which } from "./dataset/exclude.js";
export type { StatisticsChoice } from "./dataset/kept-statistics.js";
export { measureDevice } from "./dataset/measure-device.js";
export { type Mix, type MixedBatches, type MixedBatchOptions, mix } from "./dataset/mix.js";
export type { MixStats } from "./dataset/mix-stats.js";
export type { MixedBatch } from "./dataset/mixed-batch.js";
export type { MeanAndStd, Normalize } from "./dataset/normalize.js";
export { type OpenOptions, open } from "./dataset/open.js";
export type {
  CheckOptions,
  ExtendOptions,
  SplitCheck,
  SplitExtension,
  SplitOptions,
  SplitResult,
} from "./dataset/split.js";
export type { StatisticsOptions } from "./dataset/statistics.js";
export { type Batches, type BatchSource, View } from "./dataset/view.js";
export type { BatchOptions, FeedOptions, ReadingOptions } from "./dataset/view-options.js";
export { type ErrorCode, type ErrorPlace, SpillwayError } from "./errors.js";
export { Feed } from "./feed/feed.js";
export type { FeedStats } from "./feed/feed-stats.js";
export { type TakenTrainer, takeTrainer } from "./feed/hand-over.js";
export { Trainer, type TrainerHandle } from "./feed/trainer.js";
export type { TrainerBatch } from "./feed/trainer-batch.js";
export type { TrainerOptions } from "./feed/trainer-options.js";
export type { TrainerStats } from "./feed/trainer-stats.js";
export type { Columns, ColumnType, ColumnValue } from "./format/columns.js";
export type { Batch, BatchField, Mixed } from "./load/batch.js";
export type { ReadingWay } from "./load/choose-reading.js";
export type { ImageOptions } from "./load/image-crop.js";
export type { DrawingStats, LoopStats } from "./load/loop-stats.js";
export type { Deliver } from "./load/plan.js";
export type { ReadingStats } from "./load/reading.js";
export type { StageTimes } from "./load/stage-times.js";
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
export type { DevicePoint, DeviceProfile } from "./store/device.js";
export type { KeptMeasurement } from "./store/device-cache.js";
export type { MeasureDeviceOptions } from "./store/device-measure.js";
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
