package wiring

import (
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// versions is a server whose version of custom metrics is looked up once, and again when that is to be forgotten.
type versions struct{ lookups int }

func (v *versions) Invalidate() { v.lookups++ }
func (v *versions) PreferredVersion() (schema.GroupVersion, error) {
	return schema.GroupVersion{Group: "custom.metrics.k8s.io", Version: "v1beta2"}, nil
}

func TestTheVersionOfCustomMetricsIsLookedUpAnewNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		served := &versions{}
		version := &customVersion{AvailableAPIsGetter: served}
		ask := func(want int) {
			t.Helper()
			if got, err := version.PreferredVersion(); err != nil || got.Version != "v1beta2" || served.lookups != want {
				t.Errorf("after %d lookups it is %s (%v), want %d lookups", served.lookups, got, err, want)
			}
		}
		ask(1)
		ask(1)
		time.Sleep(versionPeriod + time.Second) //nolint:forbidigo // the time of this bubble passes by itself
		ask(2)
	})
}
