// Package simulation runs several Tidemark processes in one goroutine, over a log, a group coordinator and an object
// store in memory, under a clock and a scheduler of its own. Everything that is decided is decided by the code that the
// roles run: [processor.Intake], [processor.Evaluation], [processor.Restoration], [processor.Collect] and
// [archive.Chain]. What is written anew here is what the roles do with a Kafka client and a store: ingest_test.go,
// evaluate_test.go and archive_test.go follow processor's ingest.go, evaluate.go, archived.go and archivejob.go line by line.
//
// One seed fixes everything: traffic, faults, and the order of all that happens. verify_test.go compares what came out
// with what went in, and knows nothing of how it was done.
package simulation
