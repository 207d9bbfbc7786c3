package simulated

import (
	"context"
	"testing"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	testingclock "k8s.io/utils/clock/testing"
)

func TestWhatGoesWrongIsRehearsed(t *testing.T) {
	for value, c := range map[string]struct{ first, later codes.Code }{
		"gone":         {codes.Unavailable, codes.Unavailable},
		"full":         {codes.ResourceExhausted, codes.ResourceExhausted},
		"hangs":        {codes.DeadlineExceeded, codes.DeadlineExceeded},
		"gone for 30s": {codes.Unavailable, codes.OK},
		"full for 2m":  {codes.ResourceExhausted, codes.ResourceExhausted},
		"full for":     {codes.InvalidArgument, codes.InvalidArgument},
		"slow":         {codes.InvalidArgument, codes.InvalidArgument},
	} {
		t.Run(value, func(t *testing.T) {
			clock := testingclock.NewFakePassiveClock(time.Unix(0, 0))
			disks := &Controller{Clock: clock}
			parameters := map[string]string{Rehearse: value}
			for _, want := range []codes.Code{c.first, c.later} {
				ctx, cancel := context.WithCancel(t.Context())
				cancel() // nobody waits for one that hangs
				_, err := disks.CreateVolume(ctx, &csi.CreateVolumeRequest{Name: "v", Parameters: parameters})
				if got := status.Code(err); got != want {
					t.Errorf("after %s a volume is answered %v, want %s", clock.Now().Sub(time.Unix(0, 0)), err, want)
				}
				_, err = disks.CreateSnapshot(ctx, &csi.CreateSnapshotRequest{Name: "s", SourceVolumeId: "v", Parameters: parameters})
				if got := status.Code(err); got != want {
					t.Errorf("after %s a snapshot is answered %v, want %s", clock.Now().Sub(time.Unix(0, 0)), err, want)
				}
				clock.SetTime(clock.Now().Add(time.Minute))
			}
		})
	}
}
