package differential

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// rivals are two objects of a kind whose selectors match each other's pods.
type rivals struct {
	kind string
	// make makes one of them.
	make func(meta metav1.ObjectMeta, n int32) client.Object
	// orphans says that they may leave what they own to each other.
	orphans bool
}

var rivalNames = []string{name, "rival"}

// rivalKinds are those whose objects have pods by a selector. Jobs never leave pods to each other here: one controller takes the
// finalizer off what is nobody's while another puts it on what it adopts, upstream too, and who is last is a matter of luck. Nor do
// StatefulSets: which of them is the first to adopt a revision that is nobody's is luck upstream, which looks for those when something else
// wakes it.
var rivalKinds = []rivals{
	{"ReplicaSet", func(meta metav1.ObjectMeta, n int32) client.Object {
		return &appsv1.ReplicaSet{ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Replicas: &n, Selector: selects("web"), Template: template("web", "web:1")}}
	}, true},
	{"ReplicationController", func(meta metav1.ObjectMeta, n int32) client.Object {
		t := template("web", "web:1")
		return &corev1.ReplicationController{ObjectMeta: meta, Spec: corev1.ReplicationControllerSpec{Replicas: &n, Selector: t.Labels, Template: &t}}
	}, true},
	{"StatefulSet", func(meta metav1.ObjectMeta, n int32) client.Object {
		return &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Replicas: &n, Selector: selects("web"), Template: template("web", "web:1")}}
	}, false},
	{"Deployment", func(meta metav1.ObjectMeta, n int32) client.Object {
		return &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: &n, Selector: selects("web"), Template: template("web", "web:1")}}
	}, true},
	{"Job", func(meta metav1.ObjectMeta, n int32) client.Object {
		t, manual, completions := template("web", "web:1"), true, n+2
		t.Spec.RestartPolicy = corev1.RestartPolicyNever
		return &batchv1.Job{ObjectMeta: meta, Spec: batchv1.JobSpec{Parallelism: &n, Completions: &completions, ManualSelector: &manual, Selector: selects("web"), Template: t}}
	}, false},
}

// rivalsSubject is what becomes of pods that two would own: nobody takes another's, and one adopts what nobody has.
var rivalsSubject = subject{
	name: "Rivals",
	start: func(s *scenario) {
		s.rivals = &rivalKinds[s.IntN(len(rivalKinds))]
		s.shown.alike = s.rivals.kind != "Deployment" // whose pods are of ReplicaSets, and are never another's
		for _, name := range rivalNames {
			s.addRival(name)
		}
	},
	moves: append([]move{
		{4, func(s *scenario) bool {
			for _, name := range rivalNames {
				if s.now.objects[s.rivals.kind+"/"+name] == nil {
					s.addRival(name)
					return true
				}
			}
			return false
		}},
		{4, func(s *scenario) bool {
			n := int32(s.IntN(5))
			return s.editNamed(s.oneRival(), fmt.Sprintf("is scaled to %d", n), func(obj client.Object) { setReplicas(obj, n) })
		}},
		{2, func(s *scenario) bool {
			image := s.image()
			return s.rivals.kind == "Deployment" && s.editNamed(s.oneRival(), "gets the image "+image, func(obj client.Object) {
				obj.(*appsv1.Deployment).Spec.Template.Spec.Containers[0].Image = image
			})
		}},
		{3, losesRival(metav1.DeletePropagationOrphan)},
		{1, losesRival(metav1.DeletePropagationBackground)},
		{1, losesRival(metav1.DeletePropagationForeground)},
		{2, func(s *scenario) bool { return s.relabel("is taken out by its label", "web", "debug") }},
		{2, func(s *scenario) bool {
			// Which of two is the first to adopt it is a matter of luck.
			return len(s.keys(s.rivals.kind, nil)) == 1 && s.relabel("is given back by its label", "debug", "web")
		}},
		{2, happens(succeeds)},
	}, podMoves...),
	finish: func(s *scenario) {
		s.goOn()
		if s.oneRival() == "" {
			s.addRival(name)
			s.goOn()
		}
	},
}

func (s *scenario) addRival(name string) {
	n := int32(1 + s.IntN(3))
	s.do(fmt.Sprintf("%s/%s of %d is created", s.rivals.kind, name, n), creates(func() client.Object { return s.rivals.make(s.meta(name), n) }))
}

// oneRival is one of those that are there; empty if none is.
func (s *scenario) oneRival() string { return s.some(s.keys(s.rivals.kind, nil)) }

func losesRival(how metav1.DeletionPropagation) func(*scenario) bool {
	return func(s *scenario) bool {
		key := s.oneRival()
		if key == "" || how == metav1.DeletePropagationOrphan && !s.rivals.orphans {
			return false
		}
		s.do(fmt.Sprintf("%s is deleted, %s", key, how), deletes(key, how))
		return true
	}
}
