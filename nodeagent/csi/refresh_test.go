package csi

import (
	"context"
	"slices"
	"testing"
	"time"

	storagev1 "k8s.io/api/storage/v1"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/plugins"
)

// wants is a CSIDriver that wants to be asked again after so many seconds; 0 does not.
type wants int64

func (w wants) CSIDriver(context.Context, string) (*storagev1.CSIDriver, error) {
	definition := &storagev1.CSIDriver{}
	if w > 0 {
		definition.Spec.NodeAllocatableUpdatePeriodSeconds = ptr.To(int64(w))
	}
	return definition, nil
}

func TestADriverIsAskedAgainAsOftenAsItWants(t *testing.T) {
	for name, c := range map[string]struct {
		period wants
		want   []string
	}{
		"never":            {0, []string{"+one 1"}},
		"every 15 seconds": {15, []string{"+one 1", "+one 1", "+one 1"}},
		"every 40 seconds": {40, []string{"+one 1", "+one 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			control, clock := &notes{}, testingclock.NewFakeClock(time.Unix(0, 0))
			r := &Refresher{Drivers: NewDrivers(control), Definitions: c.period, Clock: clock}
			if err := r.Drivers.Register(t.Context(), plugins.Plugin{Name: "one", Endpoint: (&fakeNode{id: "1"}).serve(t), Versions: []string{"1.0.0"}}); err != nil {
				t.Fatal(err)
			}
			for range 5 { // at 0, 10, 20, 30 and 40 s
				if err := r.Round(t.Context()); err != nil {
					t.Fatal(err)
				}
				clock.Step(refreshEvery)
			}
			if !slices.Equal(control.told, c.want) {
				t.Errorf("the control plane is told %q, want %q", control.told, c.want)
			}
		})
	}
}
