package volumebinding

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/utils/ptr"
)

func TestScore(t *testing.T) {
	fullest := shape{{Utilization: 0, Score: 0}, {Utilization: 100, Score: 10}}
	bent := shape{{Utilization: 20, Score: 2}, {Utilization: 40, Score: 8}}
	bind := func(claim, volume string) binding {
		return binding{newClaim("c", claim), newVolume("v", volume, "")}
	}
	fill := func(claim, room string) provision {
		return provision{newClaim("c", claim), newPool("p", room, "a")}
	}
	for _, test := range []struct {
		name     string
		shape    shape
		decision decision
		want     int64
	}{
		{"nothing is chosen", emptiest, decision{}, 0},
		{"the emptiest is best by default", emptiest, decision{bindings: []binding{bind("1Gi", "4Gi")}}, 75},
		{"the fullest can be best", fullest, decision{bindings: []binding{bind("1Gi", "4Gi")}}, 25},
		{"volumes of a class are added up", fullest, decision{bindings: []binding{bind("1Gi", "4Gi"), bind("3Gi", "4Gi")}}, 50},
		{"between the points of a shape", bent, decision{bindings: []binding{bind("3Gi", "10Gi")}}, 50},
		{"before the first point", bent, decision{bindings: []binding{bind("1Gi", "10Gi")}}, 20},
		{"after the last point", bent, decision{bindings: []binding{bind("9Gi", "10Gi")}}, 80},
		{"a pool has to hold all its new volumes", fullest, decision{provisions: []provision{fill("1Gi", "8Gi"), fill("3Gi", "8Gi")}}, 50},
		{"new volumes do not count beside old ones", fullest, decision{bindings: []binding{bind("1Gi", "4Gi")}, provisions: []provision{fill("1Gi", "1Gi")}}, 25},
		{"more than there is, is full", emptiest, decision{provisions: []provision{fill("2Gi", "1Gi")}}, 0},
		{"of a pool without account nothing is said", emptiest, decision{provisions: []provision{{claim: newClaim("c", "1Gi")}}}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.shape.score(test.decision.uses()); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	p := &Plugin{bindTimeout: defaultBindTimeout, shape: emptiest}
	if err := p.configure(&configv1.VolumeBindingArgs{BindTimeoutSeconds: ptr.To[int64](5)}); err != nil {
		t.Fatal(err)
	}
	if p.bindTimeout.Seconds() != 5 || len(p.shape) != 2 {
		t.Errorf("got a time-out of %s and the shape %v, want 5s and the default", p.bindTimeout, p.shape)
	}
	if err := p.configure(&configv1.NodeAffinityArgs{}); err == nil {
		t.Error("arguments of another plugin were taken")
	}
}

func TestAPodWithoutClaimsCostsNothing(t *testing.T) {
	p, pod := &Plugin{}, &corev1.Pod{} // Without caches, it could not read anything either.
	if _, status := p.PreFilter(t.Context(), nil, pod, nil); !status.IsSkip() {
		t.Errorf("got %v, want Skip", status)
	}
	if allocations := testing.AllocsPerRun(100, func() { p.PreFilter(t.Context(), nil, pod, nil) }); allocations > 1 {
		t.Errorf("PreFilter allocates %v times, want the status only", allocations)
	}
}
