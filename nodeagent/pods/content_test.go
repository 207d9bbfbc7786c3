package pods

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
)

// countingHost counts how often volumes are made or refreshed.
type countingHost struct {
	plainHost
	prepared atomic.Int32
	broken   atomic.Bool
}

func (h *countingHost) Prepare(context.Context, *corev1.Pod, cgroups.Limits, []string) error {
	h.prepared.Add(1)
	if h.broken.Load() {
		return errors.New("away")
	}
	return nil
}

func TestAPodGetsContentAnewThatHasChanged(t *testing.T) {
	spec := corev1.PodSpec{Containers: []corev1.Container{container("main", nil)}, Volumes: []corev1.Volume{
		{Name: "settings", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}},
		{Name: "all", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "password"}}},
		}}}},
	}}
	for _, test := range []struct {
		name                    string
		kind, namespace, object string
		broken                  bool
		again                   bool
	}{
		{"of a volume", "ConfigMap", "default", "settings", false, true},
		{"of a source of a projected volume", "Secret", "default", "password", false, true},
		{"also if that fails at first", "ConfigMap", "default", "settings", true, true},
		{"not of another kind", "Secret", "default", "settings", false, false},
		{"not of another namespace", "ConfigMap", "other", "settings", false, false},
		{"not of another name", "ConfigMap", "default", "other", false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLive(t)
				l.stop()
				host := &countingHost{}
				l.host = host
				l.start()
				defer func() { l.stop() }()
				l.create("web", spec, nil)
				time.Sleep(10 * time.Second) //nolint:forbidigo // on the bubble's clock
				synctest.Wait()
				before := host.prepared.Load()
				host.broken.Store(test.broken)
				l.loop.ContentChanged(test.kind, test.namespace, test.object)
				time.Sleep(time.Millisecond) //nolint:forbidigo // on the bubble's clock
				synctest.Wait()
				if test.broken {
					host.broken.Store(false)
					before = host.prepared.Load()
					time.Sleep(30 * time.Second) //nolint:forbidigo // on the bubble's clock
					synctest.Wait()
				}
				if again := host.prepared.Load() > before; again != test.again {
					t.Errorf("the volumes were made anew: %t, want %t", again, test.again)
				}
			})
		})
	}
}
