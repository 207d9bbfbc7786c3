package pods

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// Static is the static pod of a name that is to run, nil if there is none, and whether something is left of one that is not.
func (l *Loop) Static(name types.NamespacedName) (pod *corev1.Pod, ending bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.workers {
		switch {
		case !status.Static(w.pod) || w.pod.Namespace != name.Namespace || w.pod.Name != name.Name:
		case w.next != nil:
			pod = w.next
		case w.gone || w.orphan:
			ending = true
		default:
			pod = w.pod
		}
	}
	return pod, ending
}

// Mirrored says what the API server has of the static pod of a name with a hash: the status of its mirror, or nil without one.
func (l *Loop) Mirrored(name types.NamespacedName, hash string, written *corev1.PodStatus) {
	var found []types.UID
	l.mu.Lock()
	for uid, w := range l.workers {
		if status.Static(w.pod) && w.pod.Namespace == name.Namespace && w.pod.Name == name.Name && w.pod.Annotations[annotationHash] == hash {
			w.written = written
			found = append(found, uid)
		}
	}
	l.mu.Unlock()
	for _, uid := range found {
		l.Wake(uid)
	}
}

// annotationHash tells static pods of one name apart.
const annotationHash = "kubernetes.io/config.hash"

func (l *Loop) tellStatic(pod *corev1.Pod) {
	if l.StaticChanged != nil {
		l.StaticChanged(types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name})
	}
}

// beginStatic lets the static pods in: they do not wait for those of the API, which may be away.
func (l *Loop) beginStatic(ctx context.Context) {
	l.mu.Lock()
	recalled := l.recalled
	l.mu.Unlock()
	l.recallAll(ctx)
	if recalled {
		return // they were let in then
	}
	l.mu.Lock()
	var found []*worker
	for _, w := range l.workers {
		if status.Static(w.pod) {
			found = append(found, w)
		}
	}
	l.mu.Unlock()
	for _, w := range found {
		l.Wake(l.judge(w))
	}
}

// leftover is what is left of a static pod that an agent before this one ran.
type leftover struct {
	labels map[string]string
	grace  *int64
}

// leftovers are the sandboxes of static pods that nobody has named. A manifest that was changed while no agent ran has another UID, and
// must not run beside what was made of it before.
func (l *Loop) leftovers(ctx context.Context, sandboxes []*runtimeapi.PodSandbox) map[types.UID]leftover {
	found := map[types.UID]leftover{}
	for _, s := range sandboxes {
		uid := types.UID(s.Labels[cri.LabelPodUID])
		if status.Static(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: s.Annotations}}) && !l.knows(uid) {
			found[uid] = leftover{s.Labels, l.graceOf(ctx, string(uid))}
		}
	}
	return found
}

// succeed ends what is left of static pods of the same name, before a new one starts. The lock is held.
func (l *Loop) succeed(pod *corev1.Pod) {
	for uid, o := range l.left {
		if o.labels[cri.LabelPodName] != pod.Name || o.labels[cri.LabelPodNamespace] != pod.Namespace {
			continue
		}
		delete(l.left, uid)
		if uid != pod.UID && l.workers[uid] == nil {
			l.workers[uid] = &worker{pod: orphanOf(o.labels, o.grace), orphan: true}
			l.engine.Wake(uid)
		}
	}
}

// resume has a static pod run again of which all has ended.
type resume struct{ reason }

func (s *resume) Verb() string   { return "resume" }
func (s *resume) String() string { return "run the static pod again" }

// Do forgets all about the pod but what the runtime knows of it, by which restarts are counted on. It never fails.
func (s *resume) Do(_ context.Context, a *actor) error {
	var again *worker
	a.change(a.uid(), func(w *worker) {
		if w.next == nil {
			return
		}
		w.pod, w.next, w.gone, w.admitted, w.memory = w.next, nil, false, false, Memory{}
		again = w
	})
	if again != nil {
		a.judge(again)
		a.tellStatic(a.pod())
	}
	return nil
}
