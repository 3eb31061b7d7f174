// What the page of a precision report hands to its own script: numbers for plots, thinned out and rounded so that a page
// stays small. The writer (precision-page-plots.ts) and the script in the browser both import these types.

/** Numbers as whole steps from a first one: value k is `from + step * counts[k]`; null where there is no number. */
export interface Steps {
  from: number;
  step: number;
  counts: (number | null)[];
}

/** How many kept values lie in each of some bins of one width. */
export interface Histogram {
  low: number;
  width: number;
  counts: number[];
  /** Whether the first and the last bin also hold all that lies beyond them. */
  isCut: boolean;
}

/** Some values one after another, and what each way makes of them. */
export interface Stretch {
  values: Steps;
  /** Reduced minus original by way; null where each of them comes back. */
  errors: (Steps | null)[];
  /** Whether they follow each other in a sample; otherwise they are of many samples, and no line joins them. */
  isSeries: boolean;
}

/** Mean power over frequency, from 0 to half a cycle per value, in dB of the signal's own power; null where none is. */
export interface Spectra {
  signal: (number | null)[];
  /** By way; null where nothing is lost. */
  errors: ((number | null)[] | null)[];
}

export interface ChannelPlots {
  channel: number;
  /** Texts of its figures, one per label of the page. */
  figures: string[];
  /** By way: what it loses on this channel, in words; null where the channel cannot be stored so. */
  losses: (string | null)[];
  /** Why there are no plots; empty where there are. */
  note: string;
  histogram?: Histogram;
  stretch?: Stretch;
  spectra?: Spectra;
}

export interface FieldPlots {
  name: string;
  /** Ways to store it, for the select box. */
  ways: string[];
  /** Way that is shown first. */
  shown: number;
  channels: ChannelPlots[];
}

export interface PageData {
  /** Labels of the figures. */
  labels: string[];
  fields: FieldPlots[];
}
