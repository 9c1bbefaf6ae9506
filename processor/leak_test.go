package processor

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a goroutine outlives the tests. One that outlives its test fails that, where time is virtual.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
