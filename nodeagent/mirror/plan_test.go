package mirror

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/nodeagent/static"
)

func staticPod(hash string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web-m", Namespace: "default", Annotations: map[string]string{static.AnnotationHash: hash}}}
}

func mirrorPod(hash string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web-m", Namespace: "default", UID: "mirror", Annotations: map[string]string{corev1.MirrorPodAnnotationKey: hash}}}
}

func TestThePlanForAMirrorPod(t *testing.T) {
	deleted := mirrorPod("a")
	deleted.DeletionTimestamp = &metav1.Time{}
	for name, c := range map[string]struct {
		world World
		want  string
	}{
		"makes one for a static pod that has none": {
			World{Seen: true, Static: staticPod("a"), Node: "node"}, "create the mirror of static pod default/web-m: the static pod has none",
		},
		"makes one before all manifests have been read": {
			World{Static: staticPod("a"), Node: "node"}, "create the mirror of static pod default/web-m: the static pod has none",
		},
		"makes none before the Node is there": {
			World{Seen: true, Static: staticPod("a")},
			"nothing to do: waiting for the Node, to which the mirror has to belong\nlook again in 1s: the Node may be there",
		},
		"leaves it alone while it is the static pod's": {
			World{Seen: true, Static: staticPod("a"), Mirror: mirrorPod("a"), Node: "node"}, "nothing to do: the static pod has its mirror",
		},
		"deletes one that somebody deletes, so that it can be made anew": {
			World{Seen: true, Static: staticPod("a"), Mirror: deleted, Node: "node"},
			"delete mirror pod default/web-m: somebody deletes it, and the static pod goes on",
		},
		"deletes one of another manifest": {
			World{Seen: true, Static: staticPod("b"), Mirror: mirrorPod("a"), Node: "node"},
			"delete mirror pod default/web-m: it is the mirror of another manifest",
		},
		"keeps one of another manifest while the pod of that is ending": {
			World{Seen: true, Static: staticPod("b"), Ending: true, Mirror: mirrorPod("a"), Node: "node"},
			"nothing to do: waiting for the static pod of the manifest before to end, whose mirror it is",
		},
		"keeps one whose static pod is ending": {
			World{Seen: true, Ending: true, Mirror: mirrorPod("a"), Node: "node"}, "nothing to do: waiting for the static pod to end",
		},
		"keeps one whose manifest may not have been read yet": {
			World{Mirror: mirrorPod("a"), Node: "node"}, "nothing to do: not all static pods have been read yet",
		},
		"deletes one without static pod": {
			World{Seen: true, Mirror: mirrorPod("a"), Node: "node"}, "delete mirror pod default/web-m: there is no such static pod",
		},
		"does nothing without both": {World{Seen: true, Node: "node"}, "nothing to do: there is neither static pod nor mirror"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := decide(c.world).String(); got != c.want {
				t.Errorf("the plan is %q, want %q", got, c.want)
			}
		})
	}
}
