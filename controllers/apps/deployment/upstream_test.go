package deployment

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/deployment/util"
	"pgregory.net/rapid"
)

// The tests of this file ask Kubernetes' own functions for the answer, on random Deployments and ReplicaSets.

func TestSurgeAndUnavailableAreThoseOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDeployment(t)
		surge, unavailable := surgeAndUnavailable(d)
		if want := util.MaxSurge(appsv1.Deployment(*d)); surge != want {
			t.Errorf("surge of %s is %d, Kubernetes' is %d", words(d), surge, want)
		}
		if want := util.MaxUnavailable(appsv1.Deployment(*d)); unavailable != want {
			t.Errorf("unavailability of %s is %d, Kubernetes' is %d", words(d), unavailable, want)
		}
	})
}

func TestNewAndOldReplicaSetsAreThoseOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, sets := drawRollout(t)
		r := newRollout(d, heldBy(sets), gen.Now)
		upstream := (*appsv1.Deployment)(d)
		want := util.FindNewReplicaSet(upstream, converted(sets))
		if got := r.newRS; (got == nil) != (want == nil) || got != nil && got.Name != want.Name {
			t.Fatalf("the new ReplicaSet is %v, Kubernetes' is %v", got, want)
		}
		_, olds := util.FindOldReplicaSets(upstream, converted(sets))
		if len(r.oldRSs) != len(olds) {
			t.Fatalf("%d old ReplicaSets, Kubernetes has %d", len(r.oldRSs), len(olds))
		}
	})
}

func TestGrowthIsThatOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, sets := drawRollout(t)
		r := newRollout(d, heldBy(sets), gen.Now)
		if r.newRS == nil || size(r.newRS) >= desired(d) || recreates(d) {
			t.Skip("nothing grows")
		}
		want, err := util.NewRSNewReplicas((*appsv1.Deployment)(d), converted(sets), (*appsv1.ReplicaSet)(r.newRS))
		if got := r.growth(size(r.newRS)); err != nil || got != want {
			t.Fatalf("the new ReplicaSet of %s grows from %d to %d, in Kubernetes to %d (%v)", words(d), size(r.newRS), got, want, err)
		}
	})
}

func TestSharesAreThoseOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, sets := drawRollout(t)
		r := newRollout(d, heldBy(sets), gen.Now)
		change := rapid.Int32Range(-20, 20).Draw(t, "change")
		given := int32(0)
		for _, rs := range active(r.allRSs()) {
			want := util.GetReplicaSetProportion(klog.Background(), (*appsv1.ReplicaSet)(rs), appsv1.Deployment(*d), change, given)
			if got := r.share(rs, change-given); got != want {
				t.Fatalf("%s of %d pods gets %d of %d, in Kubernetes %d", rs.Name, size(rs), got, change-given, want)
			}
			given += want
		}
	})
}

func TestTheOnlyReplicaSetIsThatOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, sets := drawRollout(t)
		r := newRollout(d, heldBy(sets), gen.Now)
		var current *appsv1.ReplicaSet
		if r.newRS != nil {
			current = (*appsv1.ReplicaSet)(r.newRS)
		}
		var olds []*appsv1.ReplicaSet
		for _, rs := range r.oldRSs {
			olds = append(olds, (*appsv1.ReplicaSet)(rs))
		}
		want := util.FindActiveOrLatest(current, olds)
		if got := r.activeOrLatest(); (got == nil) != (want == nil) || got != nil && got.Name != want.Name {
			t.Fatalf("the only ReplicaSet is %v, Kubernetes' is %v", got, want)
		}
		if got, want := r.saturated(), util.IsSaturated((*appsv1.Deployment)(d), current); got != want {
			t.Fatalf("saturated is %t, in Kubernetes %t", got, want)
		}
	})
}

func TestAnnotationsOfTheNewReplicaSetAreThoseOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, sets := drawRollout(t)
		d.Annotations = rapid.MapOf(
			rapid.SampledFrom([]string{"a", "b", revisionAnnotation, maxReplicasAnnotation, corev1.LastAppliedConfigAnnotation}),
			rapid.SampledFrom([]string{"x", "y"})).Draw(t, "annotations of the Deployment")
		r := newRollout(d, heldBy(sets), gen.Now)
		if r.newRS == nil {
			t.Skip("no new ReplicaSet")
		}
		if rapid.Bool().Draw(t, "has a history") {
			history := slices.Repeat([]string{"12345"}, rapid.IntRange(1, 340).Draw(t, "length of the history"))
			r.newRS.Annotations[revisionHistoryAnnotation] = join(history)
		}
		want := (*appsv1.ReplicaSet)(r.newRS.DeepCopy())
		util.SetNewReplicaSetAnnotations(klog.NewContext(context.Background(), logr.Discard()), (*appsv1.Deployment)(d), want, fmt.Sprint(r.nextRevision()), true, longestHistory)
		if got := r.inLine().Annotations; fmt.Sprint(got) != fmt.Sprint(want.Annotations) {
			t.Fatalf("annotations are\n%v, in Kubernetes\n%v", got, want.Annotations)
		}
	})
}

func TestProgressIsThatOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDeployment(t)
		d.Status = drawStatus(t, "before")
		now := drawStatus(t, "now")
		upstream := (*appsv1.Deployment)(d)
		if got, want := complete(d, now), util.DeploymentComplete(upstream, &now); got != want {
			t.Errorf("complete is %t, in Kubernetes %t", got, want)
		}
		if got, want := progressed(d.Status, now), util.DeploymentProgressing(upstream, &now); got != want {
			t.Errorf("progressed is %t, in Kubernetes %t", got, want)
		}
	})
}

func TestTheLastRevisionIsThatOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, sets := drawRollout(t)
		r := newRollout(d, heldBy(sets), gen.Now)
		var all []*appsv1.ReplicaSet
		for _, rs := range r.allRSs() {
			all = append(all, (*appsv1.ReplicaSet)(rs))
		}
		if got, want := r.lastRevision(), util.LastRevision(klog.Background(), all); got != want {
			t.Errorf("the last revision is %d, in Kubernetes %d", got, want)
		}
	})
}

func drawDeployment(t *rapid.T) *oappsv1.Deployment {
	d := gen.Deployment("web", gen.Replicas(rapid.Int32Range(0, 20).Draw(t, "replicas")))
	if rapid.IntRange(0, 4).Draw(t, "strategy") == 0 {
		gen.Recreate(d)
		return d
	}
	d.Spec.Strategy.RollingUpdate.MaxSurge = drawBound(t, "surge")
	d.Spec.Strategy.RollingUpdate.MaxUnavailable = drawBound(t, "unavailable")
	return d
}

func drawBound(t *rapid.T, name string) *intstr.IntOrString {
	n := rapid.IntRange(0, 100).Draw(t, name)
	value := intstr.FromInt(n % 25)
	if rapid.Bool().Draw(t, name+" in percent") {
		value = intstr.FromString(fmt.Sprintf("%d%%", n))
	}
	return &value
}

// drawRollout draws a Deployment and ReplicaSets whose status speaks of their present spec.
func drawRollout(t *rapid.T) (*oappsv1.Deployment, []*oappsv1.ReplicaSet) {
	d := drawDeployment(t)
	d.Status = drawStatus(t, "now")
	sets := make([]*oappsv1.ReplicaSet, rapid.IntRange(0, 5).Draw(t, "ReplicaSets"))
	for i := range sets {
		n := rapid.Int32Range(0, 15).Draw(t, "size")
		rs := newReplicaSet(gen.Deployment("web", gen.Image(fmt.Sprintf("web:%d", rapid.IntRange(1, 4).Draw(t, "image")))))
		rs.Name = fmt.Sprintf("web-%d", i)
		rs.UID = types.UID(rs.Name)
		rs.Generation, rs.Status.ObservedGeneration = 1, 1
		rs.CreationTimestamp = metav1.NewTime(gen.Now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "age")) * time.Second))
		rs.Spec.Replicas = &n
		rs.Status.Replicas = n
		rs.Status.AvailableReplicas = rapid.Int32Range(0, n).Draw(t, "available")
		rs.Annotations = map[string]string{
			revisionAnnotation:        rapid.SampledFrom([]string{"1", "2", "3", "10", "nonsense"}).Draw(t, "revision"),
			desiredReplicasAnnotation: fmt.Sprint(rapid.Int32Range(0, 20).Draw(t, "noted")),
			maxReplicasAnnotation:     fmt.Sprint(rapid.Int32Range(0, 30).Draw(t, "noted with surge")),
		}
		sets[i] = rs
	}
	return d, sets
}

func drawStatus(t *rapid.T, when string) appsv1.DeploymentStatus {
	count := rapid.Int32Range(0, 4)
	return appsv1.DeploymentStatus{
		ObservedGeneration: rapid.Int64Range(0, 1).Draw(t, "observed "+when),
		Replicas:           count.Draw(t, "replicas "+when),
		UpdatedReplicas:    count.Draw(t, "updated "+when),
		ReadyReplicas:      count.Draw(t, "ready "+when),
		AvailableReplicas:  count.Draw(t, "available "+when),
	}
}

func heldBy(sets []*oappsv1.ReplicaSet) world {
	return world{claims: ownership.Claims[*oappsv1.ReplicaSet]{Held: sets}}
}

func converted(sets []*oappsv1.ReplicaSet) []*appsv1.ReplicaSet {
	out := make([]*appsv1.ReplicaSet, len(sets))
	for i, rs := range sets {
		out[i] = (*appsv1.ReplicaSet)(rs)
	}
	return out
}

func join(numbers []string) string {
	joined := numbers[0]
	for _, n := range numbers[1:] {
		joined += "," + n
	}
	return joined
}

func words(d *oappsv1.Deployment) string {
	return fmt.Sprintf("a Deployment of %d with %v", desired(d), d.Spec.Strategy)
}
