package volumebinding

import (
	"context"
	"errors"
	"testing"

	dto "github.com/prometheus/client_model/go"
	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// broken is an API server that takes nothing.
type broken struct{ API }

var errBroken = errors.New("out of order")

func (broken) UpdateVolume(context.Context, *corev1.PersistentVolume) (*corev1.PersistentVolume, error) {
	return nil, errBroken
}

func stageErrors(t *testing.T, stage string) float64 {
	t.Helper()
	var written dto.Metric
	if err := metrics.VolumeStageErrors.WithLabelValues(stage).Write(&written); err != nil {
		t.Fatal(err)
	}
	return written.GetCounter().GetValue()
}

func TestAStageThatBreaksIsCounted(t *testing.T) {
	s := newShelf(t)
	v, c := newVolume("v", "1Gi", ""), newClaim("data", "1Gi")
	s.show(v)
	p := &Plugin{api: broken{}, assumed: s.assumeCaches}
	pod := &corev1.Pod{}
	pod.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"},
	}}}
	state := framework.NewCycleState(false)
	a := &attempt{claims: &podClaims{waiting: []waitingClaim{{PersistentVolumeClaim: c}}}, byNode: map[string]*decision{}}
	a.remember("node-a", &decision{bindings: []binding{{c, v}}})
	state.Write(stateKey, a)

	before := stageErrors(t, metrics.VolumesBound)
	if status := p.Reserve(t.Context(), state, pod, "node-a"); !status.IsSuccess() {
		t.Fatal(status)
	}
	if status := p.PreBind(t.Context(), state, pod, "node-a"); !errors.Is(status.AsError(), errBroken) {
		t.Errorf("binding ends with %v, want %v", status, errBroken)
	}
	if got := stageErrors(t, metrics.VolumesBound) - before; got != 1 {
		t.Errorf("%v errors of binding were counted, want 1", got)
	}

	before = stageErrors(t, metrics.VolumesAssumed)
	a.remember("node-b", &decision{bindings: []binding{{newClaim("other", "1Gi"), newVolume("unheard-of", "1Gi", "")}}})
	if status := p.Reserve(t.Context(), state, pod, "node-b"); status.IsSuccess() {
		t.Error("a volume that is not there was assumed")
	}
	if got := stageErrors(t, metrics.VolumesAssumed) - before; got != 1 {
		t.Errorf("%v errors of assuming were counted, want 1", got)
	}
}
