// Package baseline makes and keeps the reference: what an endpoint's features and predictions looked like in the
// data that its model was trained on.
//
// A baseline is a schema (the columns and what each means), a layout (the bin edges and categories, fixed for good
// when the baseline is built) and a profile: the counts of the training data in that layout. A window of captures is
// counted in the same layout by the same code, so the two compare bin by bin.
//
// [Build] reads the data three times: for the kind of each column, for the layout, and for the counts. The counts
// are always of all rows, and memory stays bounded: beyond two million rows, or 33 million numbers in all,
// the edges come from a sample of the rows.
// [Baseline.Save] and [Load] keep it as one readable file, baseline.json.
//
// [Statistics] and [Constraints] are the files of SageMaker Model Monitor: [Build] counts them too, and
// [FromStatistics] makes a baseline of them.
package baseline
