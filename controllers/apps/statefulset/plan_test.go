package statefulset

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/framework/plan"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

type setChange = func(*oappsv1.StatefulSet)

const older = "web-older"

// revision is the newest revision of a StatefulSet, as it is stored.
func revision(set *oappsv1.StatefulSet) *oappsv1.ControllerRevision {
	r := newest(set)
	r.Revision, r.UID = 2, types.UID(r.Name)
	r.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("StatefulSet"))}
	return r
}

// pod is one of a StatefulSet, of the newest revision.
func pod(set *oappsv1.StatefulSet, slot int, changes ...func(*ocorev1.Pod)) *ocorev1.Pod {
	s := newSlots(set, world{}, "", newest(set).Name, gen.Now)
	p := s.missing(slot)
	p.UID, p.Status.Phase = types.UID(p.Name), corev1.PodPending
	for _, change := range changes {
		change(p)
	}
	return p
}

func outdated(p *ocorev1.Pod) { p.Labels[appsv1.StatefulSetRevisionLabel] = older }

var available = gen.Ready(gen.Ago(time.Minute))

func parallel(set *oappsv1.StatefulSet) { set.Spec.PodManagementPolicy = appsv1.ParallelPodManagement }

func partition(n int32) setChange {
	return func(set *oappsv1.StatefulSet) { set.Spec.UpdateStrategy.RollingUpdate.Partition = &n }
}

func unavailable(n int32) setChange {
	return func(set *oappsv1.StatefulSet) {
		most := intstr.FromInt32(n)
		set.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable = &most
	}
}

func onDelete(set *oappsv1.StatefulSet) {
	set.Spec.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{Type: appsv1.OnDeleteStatefulSetStrategyType}
}

// holding is the world of a StatefulSet with its newest revision and some pods.
func holding(set *oappsv1.StatefulSet, pods ...*ocorev1.Pod) world {
	r := revision(set)
	return world{
		revisions: ownership.Claims[*oappsv1.ControllerRevision]{Held: []*oappsv1.ControllerRevision{r}}, namesake: r,
		pods: ownership.Claims[*ocorev1.Pod]{Held: pods}, volumes: map[string]*ocorev1.PersistentVolumeClaim{},
	}
}

// steps are the plan for a StatefulSet whose status has been written, in prose.
func steps(set *oappsv1.StatefulSet, w world) []string {
	reported := set.DeepCopy()
	for _, step := range (Controller{}).Plan(set, w, gen.Now).All() {
		if s, ok := step.(*plan.Status); ok {
			reported = s.Wanted().(*oappsv1.StatefulSet)
		}
	}
	return strings.Split((Controller{}).Plan(reported, w, gen.Now).String(), "\n")
}

func TestPlan(t *testing.T) {
	set := func(n int32, changes ...setChange) *oappsv1.StatefulSet { return gen.StatefulSet("web", n, changes...) }
	name := newest(set(1)).Name
	for _, tt := range []struct {
		name string
		set  *oappsv1.StatefulSet
		pods func(*oappsv1.StatefulSet) []*ocorev1.Pod
		want []string
	}{
		{"makes the first pod first", set(3), nil, []string{"create Pod default/web-0: 0 pods of 3 desired"}},
		{"makes all at once, if it may", set(2, parallel), nil, []string{"create Pod default/web-0: 0 pods of 2 desired", "create Pod default/web-1: 0 pods of 2 desired"}},
		{"makes none that it does not select", set(1, func(s *oappsv1.StatefulSet) { s.Spec.Selector = nil }), nil,
			[]string{"nothing to do: `selector` does not match template `labels`"}},
		{"takes fewer than none for none", set(-1), func(s *oappsv1.StatefulSet) []*ocorev1.Pod { return []*ocorev1.Pod{pod(s, 0, available)} },
			[]string{"delete Pod default/web-0: 1 pods, 0 desired"}},
		{"waits for a pod before it makes the next", set(2), func(s *oappsv1.StatefulSet) []*ocorev1.Pod { return []*ocorev1.Pod{pod(s, 0, gen.On("a"))} },
			[]string{"nothing to do: pod web-0 is not available"}},
		{"makes the next when it is there", set(2), func(s *oappsv1.StatefulSet) []*ocorev1.Pod { return []*ocorev1.Pod{pod(s, 0, available)} },
			[]string{"create Pod default/web-1: 1 pods of 2 desired"}},
		{"makes one that has ended anew", set(1), func(s *oappsv1.StatefulSet) []*ocorev1.Pod {
			return []*ocorev1.Pod{pod(s, 0, gen.On("a"), gen.Phase(corev1.PodSucceeded))}
		}, []string{"delete Pod default/web-0: it has ended as Succeeded, and is made anew"}},
		{"takes the highest away first", set(1), func(s *oappsv1.StatefulSet) []*ocorev1.Pod {
			return []*ocorev1.Pod{pod(s, 0, available), pod(s, 1, available), pod(s, 2, available)}
		}, []string{"delete Pod default/web-2: 3 pods, 1 desired"}},
		{"takes all away at once, if it may", set(1, parallel), func(s *oappsv1.StatefulSet) []*ocorev1.Pod {
			return []*ocorev1.Pod{pod(s, 0, available), pod(s, 1, available), pod(s, 2, available)}
		}, []string{"delete Pod default/web-2: 3 pods, 1 desired", "delete Pod default/web-1: 3 pods, 1 desired"}},
		{"takes none away while another is missing", set(1), func(s *oappsv1.StatefulSet) []*ocorev1.Pod {
			return []*ocorev1.Pod{pod(s, 0, gen.On("a")), pod(s, 1, available)}
		}, []string{"nothing to do: pod web-0 is not available"}},
		{"rolls from the highest down", set(2), func(s *oappsv1.StatefulSet) []*ocorev1.Pod {
			return []*ocorev1.Pod{pod(s, 0, available, outdated), pod(s, 1, available, outdated)}
		}, []string{"delete Pod default/web-1: roll to revision " + name + ": 0 pods are not available, 1 may be"}},
		{"rolls several at once, if it may", set(3, unavailable(2)), func(s *oappsv1.StatefulSet) []*ocorev1.Pod {
			return []*ocorev1.Pod{pod(s, 0, available, outdated), pod(s, 1, available, outdated), pod(s, 2, available, outdated)}
		}, []string{"delete 2 Pods (default/web-2, default/web-1): roll to revision " + name + ": 0 pods are not available, 2 may be"}},
		{"rolls what is broken anyway, and counts it", set(3, parallel), func(s *oappsv1.StatefulSet) []*ocorev1.Pod {
			return []*ocorev1.Pod{pod(s, 0, gen.On("a"), outdated), pod(s, 1, available, outdated), pod(s, 2, available, outdated)}
		}, []string{"delete Pod default/web-0: roll to revision " + name + ": 1 pods are not available, 1 may be"}},
		{"rolls down to the partition", set(2, partition(1)), func(s *oappsv1.StatefulSet) []*ocorev1.Pod {
			return []*ocorev1.Pod{pod(s, 0, available, outdated), pod(s, 1, available)}
		}, []string{"nothing to do"}},
		{"rolls none itself under OnDelete", set(1, onDelete), func(s *oappsv1.StatefulSet) []*ocorev1.Pod {
			return []*ocorev1.Pod{pod(s, 0, available, outdated)}
		}, []string{"nothing to do"}},
		{"begins with another number", set(1, func(s *oappsv1.StatefulSet) { s.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: 5} }), nil,
			[]string{"create Pod default/web-5: 0 pods of 1 desired"}},
		{"does nothing while it is being deleted", set(2, gen.Deleted), nil, []string{"nothing to do"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var pods []*ocorev1.Pod
			if tt.pods != nil {
				pods = tt.pods(tt.set)
			}
			got := steps(tt.set, holding(tt.set, pods...))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheFirstRevisionIsMade(t *testing.T) {
	set := gen.StatefulSet("web", 1)
	got := steps(set, world{})
	want := []string{"create ControllerRevision default/" + newest(set).Name + ": the template has no revision yet: it is revision 1", "create Pod default/web-0: 0 pods of 1 desired"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
	}
}

func TestAPodOfSomebodyElseWithTheNameIsWaitedFor(t *testing.T) {
	set := gen.StatefulSet("web", 1)
	w := holding(set)
	w.strangers = map[string]*ocorev1.Pod{"web-0": gen.Pod("web-0")}
	if diff := cmp.Diff([]string{"nothing to do: a pod that is not its own has the name web-0"}, steps(set, w)); diff != "" {
		t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
	}
	for name, want := range map[string]int{"web-0": 1, "web": 0, "web-5d8f-x7k2p": 0, "web-01": 0} {
		if keys, err := namesake(t.Context(), nil, gen.Pod(name)); err != nil || len(keys) != want {
			t.Errorf("when pod %s goes, %v are woken (%v)", name, keys, err)
		}
	}
}

func TestAPodBelowThePartitionIsMadeOfTheCurrentRevision(t *testing.T) {
	set := gen.StatefulSet("web", 2, partition(1))
	before := set.Spec.Template.DeepCopy()
	before.Spec.Containers[0].Image = "web:0"
	s := newSlots(set, world{current: before}, older, "web-newer", gen.Now)
	for slot, want := range []string{"web:0 " + older, "web:1 web-newer"} {
		made := s.missing(slot)
		if got := made.Spec.Containers[0].Image + " " + revisionOf(made); got != want {
			t.Errorf("pod %d is of %s, want %s", slot, got, want)
		}
	}
}

func TestAPodHasItsIdentity(t *testing.T) {
	set := gen.StatefulSet("web", 1, storing, func(set *oappsv1.StatefulSet) {
		set.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "data"}, {Name: "more"}}
	})
	made := newSlots(set, world{}, "", "r", gen.Now).missing(0)
	got := []string{made.Name, made.GenerateName, made.Spec.Hostname, made.Spec.Subdomain, made.Labels[appsv1.StatefulSetPodNameLabel], made.Labels[appsv1.PodIndexLabel]}
	if diff := cmp.Diff([]string{"web-0", "web-", "web-0", "web", "web-0", "0"}, got); diff != "" {
		t.Errorf("the identity is (-want +got):\n%s", diff)
	}
	if v := made.Spec.Volumes; len(v) != 2 || v[0].PersistentVolumeClaim == nil || v[0].PersistentVolumeClaim.ClaimName != "data-web-0" || v[1].Name != "more" {
		t.Errorf("the volumes are %+v", v)
	}
}

func TestClaims(t *testing.T) {
	retains := func(deleted, scaled appsv1.PersistentVolumeClaimRetentionPolicyType) setChange {
		return func(set *oappsv1.StatefulSet) {
			set.Spec.PersistentVolumeClaimRetentionPolicy = &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{WhenDeleted: deleted, WhenScaled: scaled}
		}
	}
	const retain, drop = appsv1.RetainPersistentVolumeClaimRetentionPolicyType, appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	data := func(owner metav1.Object, kind string, uid types.UID) *ocorev1.PersistentVolumeClaim {
		return gen.PersistentVolumeClaim("data-web-0", func(claim *ocorev1.PersistentVolumeClaim) {
			if owner != nil {
				yes := true
				claim.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: owner.GetName(), UID: uid, Controller: &yes}}
			}
		})
	}
	for _, tt := range []struct {
		name  string
		set   *oappsv1.StatefulSet
		pod   bool
		claim func(*oappsv1.StatefulSet, *ocorev1.Pod) *ocorev1.PersistentVolumeClaim
		want  []string
	}{
		{"are made before their pod", gen.StatefulSet("web", 1, storing), false, nil,
			[]string{"create PersistentVolumeClaim default/data-web-0: pod web-0 has to have it", "create Pod default/web-0: 0 pods of 1 desired"}},
		{"that are there are used", gen.StatefulSet("web", 1, storing), false, func(*oappsv1.StatefulSet, *ocorev1.Pod) *ocorev1.PersistentVolumeClaim { return data(nil, "", "") },
			[]string{"create Pod default/web-0: 0 pods of 1 desired"}},
		{"that are on their way out go first", gen.StatefulSet("web", 1, storing), false, func(*oappsv1.StatefulSet, *ocorev1.Pod) *ocorev1.PersistentVolumeClaim {
			claim := data(nil, "", "")
			gen.Deleted(claim)
			return claim
		}, []string{"nothing to do: claim data-web-0 of pod web-0 is being deleted"}},
		{"of a former pod go first, where claims go with pods", gen.StatefulSet("web", 1, storing, retains(retain, drop)), false,
			func(_ *oappsv1.StatefulSet, pod *ocorev1.Pod) *ocorev1.PersistentVolumeClaim {
				return data(pod, "Pod", "before")
			},
			[]string{"nothing to do: claim data-web-0 is that of a former pod web-0, and goes with it"}},
		{"of a former pod go first, where claims would stay from now on", gen.StatefulSet("web", 1, storing), false,
			func(_ *oappsv1.StatefulSet, pod *ocorev1.Pod) *ocorev1.PersistentVolumeClaim {
				return data(pod, "Pod", "before")
			},
			[]string{"nothing to do: claim data-web-0 is that of a former pod web-0, and goes with it"}},
		{"have no owner, if they are to stay", gen.StatefulSet("web", 1, storing), true,
			func(set *oappsv1.StatefulSet, _ *ocorev1.Pod) *ocorev1.PersistentVolumeClaim {
				return data(set, "StatefulSet", set.UID)
			},
			[]string{"make nobody the owner of PersistentVolumeClaim default/data-web-0: the retention policy says with whom it goes"}},
		{"are the StatefulSet's, if they go with it", gen.StatefulSet("web", 1, storing, retains(drop, retain)), true,
			func(*oappsv1.StatefulSet, *ocorev1.Pod) *ocorev1.PersistentVolumeClaim { return data(nil, "", "") },
			[]string{"make StatefulSet web the owner of PersistentVolumeClaim default/data-web-0: the retention policy says with whom it goes"}},
		{"are the pod's when it is taken away, if they go with it", gen.StatefulSet("web", 0, storing, retains(drop, drop)), true,
			func(set *oappsv1.StatefulSet, _ *ocorev1.Pod) *ocorev1.PersistentVolumeClaim {
				return data(set, "StatefulSet", set.UID)
			},
			[]string{"make Pod web-0 the owner of PersistentVolumeClaim default/data-web-0: the retention policy says with whom it goes", "delete Pod default/web-0: 1 pods, 0 desired"}},
		{"of another controller are left alone", gen.StatefulSet("web", 1, storing, retains(drop, drop)), true,
			func(*oappsv1.StatefulSet, *ocorev1.Pod) *ocorev1.PersistentVolumeClaim {
				return data(gen.Deployment("other"), "Deployment", "other")
			}, []string{"nothing to do"}},
		{"of a former StatefulSet are left alone", gen.StatefulSet("web", 1, storing, retains(drop, retain)), true,
			func(set *oappsv1.StatefulSet, _ *ocorev1.Pod) *ocorev1.PersistentVolumeClaim {
				return data(set, "StatefulSet", "before")
			}, []string{"nothing to do"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, p := holding(tt.set), pod(tt.set, 0, available)
			if tt.pod {
				w.pods.Held = []*ocorev1.Pod{p}
			}
			if tt.claim != nil {
				w.volumes["data-web-0"] = tt.claim(tt.set, p)
			}
			if diff := cmp.Diff(tt.want, steps(tt.set, w)); diff != "" {
				t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	set := gen.StatefulSet("web", 3, func(set *oappsv1.StatefulSet) { set.Spec.MinReadySeconds = 30 })
	name, zero := newest(set).Name, int32(0)
	s := newSlots(set, holding(set, pod(set, 0, available, outdated), pod(set, 1, gen.Ready(gen.Ago(time.Second))), pod(set, 2, available, gen.Going)), older, name, gen.Now)
	want := appsv1.StatefulSetStatus{
		ObservedGeneration: 1, Replicas: 3, ReadyReplicas: 3, AvailableReplicas: 2, CurrentReplicas: 1, UpdatedReplicas: 1,
		CurrentRevision: older, UpdateRevision: name, CollisionCount: &zero,
	}
	if diff := cmp.Diff(want, s.status()); diff != "" {
		t.Errorf("the status is not as wanted (-want +got):\n%s", diff)
	}
	s = newSlots(set, holding(set, pod(set, 0, available), pod(set, 1, available), pod(set, 2, available)), older, name, gen.Now)
	if got := s.status(); got.CurrentRevision != name || got.CurrentReplicas != 3 {
		t.Errorf("all are of the newest revision, and the status is %+v", got)
	}
}
