// The kernels of augmentation as augment/ calls them; what each does is told in wasm/augment-*.ts. Addresses are byte
// offsets in the memory to which the kernels are bound; a sample is `outer` blocks of rows of `inner` float32.

export interface AugmentKernels {
  naturalLog(x: number): number;
  exponential(x: number): number;
  sineOfTurns(turns: number): number;
  cosineOfTurns(turns: number): number;
  addNormals(at: number, count: number, sigma: number, key0: number, key1: number): void;
  writeNormals(to: number, count: number, begin: number, key0: number, key1: number): void;
  copyBox(
    from: number,
    to: number,
    outer: number,
    outerStride: number,
    rows: number,
    rowStride: number,
    byteLength: number,
  ): void;
  fillBox(
    at: number,
    outer: number,
    outerStride: number,
    rows: number,
    rowStride: number,
    byteLength: number,
    value: number,
  ): void;
  repeatElement(
    from: number,
    to: number,
    outer: number,
    outerStride: number,
    count: number,
    byteLength: number,
  ): void;
  mirrorRows(at: number, rows: number, count: number, inner: number): void;
  scaleChannels(at: number, outer: number, steps: number, inner: number, factors: number): void;
  writeCurveWeights(to: number, steps: number, knots: number): void;
  multiplyCurves(
    at: number,
    outer: number,
    steps: number,
    inner: number,
    curves: number,
    knots: number,
    weights: number,
  ): void;
  blend(at: number, other: number, count: number, weight: number): void;
  evenPlaces(to: number, steps: number, start: number, pace: number): void;
  warpedPlaces(to: number, steps: number, speeds: number, knots: number): void;
  takeSteps(from: number, to: number, outer: number, steps: number, inner: number, places: number): void;
  takePixels(
    from: number,
    to: number,
    outer: number,
    height: number,
    width: number,
    inner: number,
    left: number,
    xx: number,
    xy: number,
    top: number,
    yx: number,
    yy: number,
    isEdge: number,
    fill: number,
  ): void;
  writeTurns(to: number, n: number): void;
  transform(at: number, n: number, table: number): void;
  conjugateAll(at: number, n: number, factor: number): void;
  writeChirp(to: number, n: number, m: number, table: number): void;
  transformAny(at: number, n: number, m: number, table: number, chirp: number): void;
  clearFrequencies(at: number, n: number, first: number, end: number): void;
  loadPair(at: number, other: number, stride: number, steps: number, to: number): void;
  storePair(from: number, factor: number, at: number, other: number, stride: number, steps: number): void;
  colourFrequencies(at: number, n: number, isBrown: number): void;
  variance32(at: number, stride: number, count: number): number;
  addScaled(
    from: number,
    fromStride: number,
    at: number,
    stride: number,
    count: number,
    variance: number,
  ): void;
  meanOf(at: number, count: number): number;
  meanGrey(at: number, pixels: number, pixelStride: number, channelStride: number): number;
  stretchValues(at: number, count: number, centre: number, factor: number, low: number, high: number): void;
  saturatePixels(
    at: number,
    pixels: number,
    pixelStride: number,
    channelStride: number,
    factor: number,
    low: number,
    high: number,
  ): void;
  turnHues(
    at: number,
    pixels: number,
    pixelStride: number,
    channelStride: number,
    turns: number,
    low: number,
    high: number,
  ): void;
}
