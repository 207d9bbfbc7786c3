package driver

import (
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestAFinalErrorSaysThatNothingIsBeingMade(t *testing.T) {
	for code, want := range map[codes.Code]bool{
		codes.InvalidArgument: true, codes.NotFound: true, codes.AlreadyExists: true, codes.Internal: true, codes.OutOfRange: true,
		codes.Canceled: false, codes.DeadlineExceeded: false, codes.Unavailable: false, codes.ResourceExhausted: false, codes.Aborted: false,
	} {
		if got := IsFinal(fmt.Errorf("taking it: %w", status.Error(code, "no"))); got != want {
			t.Errorf("%s is final: %t", code, got)
		}
	}
	if IsFinal(errors.New("nobody answers")) {
		t.Error("an error that is no answer is final")
	}
}
