package policy

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func arriving(name string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: "uid"}}
}

func TestAPodWaitsUntilItIsLet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, woken := NewGate(), 0
		g.open(func() { woken++ })
		let := make(chan error, 1)
		go func() { let <- g.Protect(t.Context(), arriving("web"), []string{"10.84.0.5"}) }()
		synctest.Wait()
		all, waiting := g.arrivals(nil, time.Now())
		if len(all) != 1 || len(waiting) != 1 || all[0].Status.PodIPs[0].IP != "10.84.0.5" || woken != 1 {
			t.Fatalf("arrivals are %v, of which %v wait, and the enforcer was woken %d times", all, waiting, woken)
		}
		g.let(waiting)
		if err := <-let; err != nil {
			t.Error(err)
		}
	})
}

func TestAPodThatComesAnewIsNotLetByWhatHeldForItsFormerAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = g.Protect(ctx, arriving("web"), []string{"10.84.0.5"}) }() // given up by the agent
		synctest.Wait()
		_, former := g.arrivals(nil, time.Now())
		cancel()
		let := make(chan error, 1)
		go func() { let <- g.Protect(t.Context(), arriving("web"), []string{"10.84.0.6"}) }()
		synctest.Wait()
		g.let(former)
		if err := <-let; err == nil {
			t.Error("it was let by a pass that knew its former address")
		}
	})
}

func TestWhenTheGateForgetsAPod(t *testing.T) {
	addressed := arriving("web")
	addressed.Status.PodIPs = []corev1.PodIP{{IP: "10.84.0.5"}}
	for _, test := range []struct {
		name string
		has  [][]*corev1.Pod // what the API has, each time that it is read
		kept bool
	}{
		{"not while the API has the pod without an address", [][]*corev1.Pod{{arriving("web")}, {arriving("web")}}, true},
		{"not while the API was not seen to have it", [][]*corev1.Pod{nil, nil}, true},
		{"when the API has its address", [][]*corev1.Pod{{addressed}}, false},
		{"when the API has it no longer", [][]*corev1.Pod{{arriving("web")}, nil}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := NewGate()
			a := g.come(arriving("web"), []string{"10.84.0.5"})
			g.let([]*corev1.Pod{a.pod})
			var all []*corev1.Pod
			for _, has := range test.has {
				all, _ = g.arrivals(has, time.Now())
			}
			if kept := len(all) > 0; kept != test.kept {
				t.Errorf("it is kept: %v, want %v", kept, test.kept)
			}
		})
	}
	t.Run("when the API was not seen to have it for long", func(t *testing.T) {
		g := NewGate()
		a := g.come(arriving("web"), []string{"10.84.0.5"})
		g.let([]*corev1.Pod{a.pod})
		if all, _ := g.arrivals(nil, time.Now().Add(forgotten+time.Second)); len(all) != 0 {
			t.Errorf("it is kept: %v", all)
		}
	})
}
