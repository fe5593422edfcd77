package initscript

import (
	"testing"
	"time"
)

// The time that a program has spent after its context was done is not given once more.
func TestWaitDelayBeginsOnce(t *testing.T) {
	cmd := &Cmd{WaitDelay: time.Hour}
	if got := cmd.remainingDelay(); got != time.Hour {
		t.Errorf("without a context: %v", got)
	}
	cmd.expiry = time.Now().Add(-time.Minute)
	if got := cmd.remainingDelay(); got != 1 {
		t.Errorf("when it has expired: %v", got) // 0 would mean for ever
	}
	cmd.WaitDelay = 0
	if got := cmd.remainingDelay(); got != 0 {
		t.Errorf("without a bound: %v", got)
	}
}
