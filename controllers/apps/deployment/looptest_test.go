package deployment_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/apps/deployment"
	"github.com/orrery-dev/orrery/controllers/apps/replicaset"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	testingclock "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func both() []loop.Loop { return []loop.Loop{deployment.Loop(), replicaset.Loop()} }

func TestRollingUpdatesKeepWithinTheirFences(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		var world bounded
		looptest.Check(t, looptest.Spec{
			CurrentLists: true, // as in our managers: see loop.NewInformer
			Scheme:       scheme,
			Loops:        both(),
			Start: func(t *rapid.T) []client.Object {
				d := drawRolling(t)
				world = bounded{surge: d.Spec.Strategy.RollingUpdate.MaxSurge, unavailable: d.Spec.Strategy.RollingUpdate.MaxUnavailable, size: *d.Spec.Replicas}
				return rolledOutBefore(t, scheme, d)
			},
			Prepare: func(w *looptest.World) {
				fakekubelet.DeletesGracefully(w)
				w.Step(time.Minute) // so that it is after what was before
			},
			Change:      roll,
			Environment: fakekubelet.Sync,
			Invariants:  []looptest.Invariant{world.neverTooMany, world.neverTooFew},
			Converged:   rolledOut,
		})
	})
}

func TestDeploymentsConvergeWhateverUsersDo(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			CurrentLists: true, // as in our managers: see loop.NewInformer
			Scheme:       scheme,
			Loops:        both(),
			Start: func(t *rapid.T) []client.Object {
				d := drawRolling(t)
				if rapid.Bool().Draw(t, "recreates") {
					gen.Recreate(d)
				}
				gen.History(rapid.Int32Range(0, 2).Draw(t, "history"))(d)
				return []client.Object{d}
			},
			Prepare: fakekubelet.DeletesGracefully,
			Change: func(t *rapid.T, w *looptest.World) {
				switch rapid.IntRange(0, 4).Draw(t, "what users do") {
				case 0:
					roll(t, w)
				case 1:
					edit(w, gen.Replicas(rapid.Int32Range(0, 4).Draw(t, "replicas")))
				case 2:
					edit(w, func(d *oappsv1.Deployment) { d.Spec.Paused = !d.Spec.Paused })
				case 3:
					edit(w, func(d *oappsv1.Deployment) {
						d.Spec.MinReadySeconds = rapid.Int32Range(0, 3).Draw(t, "minReadySeconds")
					})
				case 4:
					fakekubelet.DisturbPods(t, w)
				}
			},
			Environment: fakekubelet.Sync,
			Converged:   rolledOut,
		})
	})
}

func TestRecreateNeverRunsOldAndNewPodsTogether(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			CurrentLists: true, // as in our managers: see loop.NewInformer
			Scheme:       scheme,
			Loops:        both(),
			Start: func(t *rapid.T) []client.Object {
				return []client.Object{gen.Deployment("web", gen.Recreate, gen.Replicas(rapid.Int32Range(1, 3).Draw(t, "replicas")))}
			},
			Prepare:     fakekubelet.DeletesGracefully,
			Change:      roll,
			Environment: fakekubelet.Sync,
			Invariants:  []looptest.Invariant{oneImageAtATime},
			Converged:   rolledOut,
		})
	})
}

func drawRolling(t *rapid.T) *oappsv1.Deployment {
	bounds := rapid.SampledFrom([]string{"0", "1", "2", "25%", "50%", "100%"})
	d := gen.Deployment("web",
		gen.Replicas(rapid.Int32Range(1, 4).Draw(t, "replicas")),
		gen.Surge(bounds.Draw(t, "surge")),
		gen.Unavailable(bounds.Draw(t, "unavailable")))
	d.Spec.MinReadySeconds = rapid.Int32Range(0, 2).Draw(t, "minReadySeconds")
	return d
}

// roll gives the Deployment one of three images.
func roll(t *rapid.T, w *looptest.World) {
	edit(w, gen.Image(fmt.Sprintf("web:%d", rapid.IntRange(1, 3).Draw(t, "image"))))
}

func edit(w *looptest.World, change func(*oappsv1.Deployment)) {
	for _, d := range looptest.All[*oappsv1.Deployment](w) {
		looptest.Edit(w, "user", d, change)
	}
}

// bounded is a world in which a Deployment keeps its size and bounds.
type bounded struct {
	size               int32
	surge, unavailable *intstr.IntOrString
}

func (f *bounded) neverTooMany(w *looptest.World, write looptest.Write) error {
	surge, _ := f.surgeAndUnavailable()
	if have := count(w, replicas.Active); write.Verb == "create" && have > f.size+surge {
		return fmt.Errorf("%d pods, at most %d + %d allowed", have, f.size, surge)
	}
	return nil
}

func (f *bounded) neverTooFew(w *looptest.World, write looptest.Write) error {
	have := count(w, func(pod *ocorev1.Pod) bool { return replicas.Active(pod) && replicas.Ready(pod) })
	_, unavailable := f.surgeAndUnavailable()
	if write.Verb == "delete" && write.By == "replicaset-controller" && have < f.size-unavailable {
		return fmt.Errorf("%d pods ready, at least %d - %d required", have, f.size, unavailable)
	}
	return nil
}

// rolledOutBefore is a Deployment that has been rolled out, with its ReplicaSet and pods. Before that nothing is known to be
// available, and so nothing can be kept.
func rolledOutBefore(t *rapid.T, scheme *runtime.Scheme, d *oappsv1.Deployment) []client.Object {
	w := looptest.NewWorld(scheme)
	w.Put(d)
	clock, names := testingclock.NewFakeClock(w.Now()), 0
	name := func(prefix string) string {
		names++
		return fmt.Sprintf("%sbefore-%d", prefix, names)
	}
	for rolledOut(w) != nil {
		for _, l := range both() {
			for _, index := range l.Indexes() {
				if err := w.Index(index.Object, index.Field, index.Values); err != nil {
					t.Fatal(err)
				}
			}
			pass := l.Reconciler(loop.Cluster{Client: w.Client(l.Name()), Clock: clock, SideBySide: 1, Names: name})
			for _, key := range append(keysOf(looptest.All[*oappsv1.ReplicaSet](w)), client.ObjectKeyFromObject(d)) {
				if _, err := pass.Reconcile(context.Background(), reconcile.Request{NamespacedName: key}); err != nil {
					t.Fatal(err)
				}
			}
		}
		for fakekubelet.Sync(w, func(int) int { return 0 }) {
		}
		w.Step(time.Second)
		clock.SetTime(w.Now())
	}
	var objs []client.Object
	objs = append(objs, moved(looptest.All[*oappsv1.Deployment](w))...)
	objs = append(objs, moved(looptest.All[*oappsv1.ReplicaSet](w))...)
	return append(objs, moved(looptest.All[*ocorev1.Pod](w))...)
}

func keysOf(sets []*oappsv1.ReplicaSet) []client.ObjectKey {
	var keys []client.ObjectKey
	for _, rs := range sets {
		keys = append(keys, client.ObjectKeyFromObject(rs))
	}
	return keys
}

// moved are copies of objects for another world, which gives UIDs of its own.
func moved[T client.Object](objs []T) []client.Object {
	var copies []client.Object
	for _, obj := range objs {
		moved := obj.DeepCopyObject().(client.Object)
		moved.SetUID("before-" + moved.GetUID())
		owners := moved.GetOwnerReferences()
		for i := range owners {
			owners[i].UID = "before-" + owners[i].UID
		}
		moved.SetOwnerReferences(owners)
		copies = append(copies, moved)
	}
	return copies
}

// surgeAndUnavailable are the numbers that the documentation of Deployments gives for the percentages.
func (f *bounded) surgeAndUnavailable() (surge, unavailable int32) {
	up, _ := intstr.GetScaledValueFromIntOrPercent(f.surge, int(f.size), true)
	down, _ := intstr.GetScaledValueFromIntOrPercent(f.unavailable, int(f.size), false)
	if up == 0 && down == 0 {
		down = 1
	}
	return int32(up), int32(down)
}

func count(w *looptest.World, counts func(*ocorev1.Pod) bool) int32 {
	n := int32(0)
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if counts(pod) {
			n++
		}
	}
	return n
}

func oneImageAtATime(w *looptest.World, write looptest.Write) error {
	created, ok := write.After.(*ocorev1.Pod)
	if !ok || write.Verb != "create" {
		return nil
	}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if has := pod.Spec.Containers[0].Image; has != created.Spec.Containers[0].Image {
			return fmt.Errorf("%s has the image %s, and %s still runs with %s", created.Name, created.Spec.Containers[0].Image, pod.Name, has)
		}
	}
	return nil
}

// rolledOut accepts a Deployment that is complete, or paused with enough pods, or paused before it had any.
func rolledOut(w *looptest.World) error {
	d := looptest.All[*oappsv1.Deployment](w)[0]
	want, s := *d.Spec.Replicas, d.Status
	if s.ObservedGeneration != d.Generation {
		return fmt.Errorf("generation %d was not observed, %d was", d.Generation, s.ObservedGeneration)
	}
	if d.Spec.Paused {
		if len(looptest.All[*oappsv1.ReplicaSet](w)) > 0 && s.AvailableReplicas < want {
			return fmt.Errorf("paused, and %d of %d pods available", s.AvailableReplicas, want)
		}
		return nil
	}
	if s.Replicas != want || s.UpdatedReplicas != want || s.AvailableReplicas != want || s.UnavailableReplicas != 0 {
		return fmt.Errorf("not complete: %+v", s)
	}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if image := d.Spec.Template.Spec.Containers[0].Image; replicas.Active(pod) && pod.Labels["app"] == "web" && pod.Spec.Containers[0].Image != image {
			return fmt.Errorf("%s has the image %s and not %s", pod.Name, pod.Spec.Containers[0].Image, image)
		}
	}
	if reason := conditionReason(d, appsv1.DeploymentProgressing); reason != "NewReplicaSetAvailable" {
		return fmt.Errorf("complete, and Progressing says %s", reason)
	}
	if reason := conditionReason(d, appsv1.DeploymentAvailable); reason != "MinimumReplicasAvailable" {
		return fmt.Errorf("complete, and Available says %s", reason)
	}
	return keepsItsHistory(w, d)
}

func keepsItsHistory(w *looptest.World, d *oappsv1.Deployment) error {
	old := 0
	for _, rs := range looptest.All[*oappsv1.ReplicaSet](w) {
		if rs.Spec.Template.Spec.Containers[0].Image != d.Spec.Template.Spec.Containers[0].Image {
			old++
		} else if got, want := d.Annotations["deployment.kubernetes.io/revision"], rs.Annotations["deployment.kubernetes.io/revision"]; got != want {
			return fmt.Errorf("the Deployment is at revision %q, and its ReplicaSet at %q", got, want)
		}
	}
	if limit := int(*d.Spec.RevisionHistoryLimit); old > limit {
		return fmt.Errorf("%d old ReplicaSets, %d are to be kept", old, limit)
	}
	return nil
}

func conditionReason(d *oappsv1.Deployment, kind appsv1.DeploymentConditionType) string {
	for _, c := range d.Status.Conditions {
		if c.Type == kind && c.Status == corev1.ConditionTrue {
			return c.Reason
		}
	}
	return "nothing that is true"
}
