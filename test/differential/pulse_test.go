package differential

import (
	"context"
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// pulse is a ReplicaSet of no pods that is changed again and again. That its controller has seen a change, and everybody knows of
// that, is one beat: so a second on a busy machine is told from a second on one with nothing to do.
type pulse struct {
	mu    sync.Mutex
	beats []time.Time // when those that have ended began
}

const (
	// pause is between two beats.
	pause = 150 * time.Millisecond
	// kept is how many beats are remembered.
	kept = 256
)

// since counts the beats that began after a time.
func (p *pulse) since(at time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for i := len(p.beats) - 1; i >= 0 && p.beats[i].After(at); i-- {
		n++
	}
	return n
}

// beat beats on a side until ctx ends.
func (p *pulse) beat(ctx context.Context, s *side) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "pulse"}}
	rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "pulse", Namespace: "pulse"}, Spec: appsv1.ReplicaSetSpec{
		Replicas: new(int32), Selector: selects("pulse"), Template: template("pulse", "pulse"),
	}}
	for _, obj := range []client.Object{namespace, rs} {
		if err := s.Create(ctx, obj); err != nil {
			return fmt.Errorf("creating the pulse of %s: %w", s.name, err)
		}
	}
	look := time.NewTicker(pause / 5)
	defer look.Stop()
	for began, seen := time.Now(), rs.DeepCopy(); ; {
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil
		}
		err := s.objects.Get(ctx, client.ObjectKeyFromObject(rs), seen)
		if err != nil || seen.Status.ObservedGeneration < rs.Generation || time.Since(began) < pause {
			continue
		}
		p.note(began)
		began = time.Now()
		before := rs.DeepCopy()
		rs.Spec.MinReadySeconds = 1 - rs.Spec.MinReadySeconds
		err = s.Patch(ctx, rs, client.MergeFrom(before))
		if isBusy(err) {
			rs = before // it is tried again with the next beat
			continue
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("changing the pulse of %s: %w", s.name, err)
		}
	}
}

func (p *pulse) note(began time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beats = append(p.beats, began)
	if len(p.beats) > kept {
		p.beats = p.beats[1:]
	}
}
