// Package processor runs Tidemark's roles on Kafka: ingest turns captures into pane deltas, evaluate turns pane
// deltas into reports and alerts. It owns clients, transactions, restore and the topics; what is decided is decided
// in package monitor. Each role is one goroutine that owns its state.
package processor
