// Package monitor is the heart of Tidemark: pane deltas go in, reports and alert transitions come out.
//
// A [Monitor] is a configured comparison: a baseline, windows, and rules (a statistic and a threshold each). A
// [Shard] holds all endpoints of one partition of the panes topic. Its only clock is the append time of that
// log, so reading the log again decides the same; its state is what [Shard.Changes] and [Shard.Restore] exchange.
// It knows no Kafka and no goroutine: streams, simulations and tests drive it alike.
package monitor
