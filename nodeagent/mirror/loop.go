package mirror

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/orrery-dev/orrery/framework/engine"
)

// Pods are the static pods of the node.
type Pods interface {
	// Static is the static pod of a name that is to run, nil if there is none, and whether something runs still of one that is not.
	Static(name types.NamespacedName) (pod *corev1.Pod, ending bool)
	// Mirrored says what the API server has of the static pod of a name with a hash: the status of its mirror, or nil without one.
	Mirrored(name types.NamespacedName, hash string, status *corev1.PodStatus)
}

// Options are what the loop needs. Clock and Log may be left out.
type Options struct {
	Client client.Client
	// Node is the name of the node, and NodeAPI the apiVersion of its object.
	Node, NodeAPI string
	// NodeUID is the UID of that object; "" while it is not there.
	NodeUID func() types.UID
	Pods    Pods
	// Seen is closed when all static pods have been read once.
	Seen  <-chan struct{}
	Clock clock.WithTickerAndDelayedExecution
	Log   logr.Logger
}

// Loop keeps the mirror pods of one node. It is safe for concurrent use.
type Loop struct {
	Options
	engine *engine.Engine[types.NamespacedName, World, *actor]

	mu      sync.Mutex
	mirrors map[types.NamespacedName]*corev1.Pod
}

// New returns a loop that knows no mirror pods.
func New(options Options) *Loop {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	l := &Loop{Options: options, mirrors: map[types.NamespacedName]*corev1.Pod{}}
	l.engine = engine.New(mirrors{l}, engine.Options[types.NamespacedName]{
		Name: "mirror-pods", Clock: options.Clock, Registerer: metrics.Registry, Log: options.Log,
	})
	return l
}

// Run works until ctx ends. It is to begin when all pods of the API are known.
func (l *Loop) Run(ctx context.Context) {
	var waiting sync.WaitGroup
	defer waiting.Wait()
	waiting.Go(func() {
		select {
		case <-ctx.Done():
		case <-l.Seen:
			for _, name := range l.names() {
				l.Wake(name)
			}
		}
	})
	l.engine.Run(ctx)
}

// Wake asks for a look at a name: its static pod was changed.
func (l *Loop) Wake(name types.NamespacedName) { l.engine.Wake(name) }

// Set says what a mirror pod looks like now.
func (l *Loop) Set(mirror *corev1.Pod) {
	name := types.NamespacedName{Namespace: mirror.Namespace, Name: mirror.Name}
	l.mu.Lock()
	l.mirrors[name] = mirror
	l.mu.Unlock()
	l.Pods.Mirrored(name, mirror.Annotations[corev1.MirrorPodAnnotationKey], &mirror.Status)
	l.Wake(name)
}

// Remove says that a mirror pod is gone. A UID of any other pod is nothing to it.
func (l *Loop) Remove(uid types.UID) {
	l.mu.Lock()
	var gone *corev1.Pod
	for name, mirror := range l.mirrors {
		if mirror.UID == uid {
			gone = mirror
			delete(l.mirrors, name)
		}
	}
	l.mu.Unlock()
	if gone != nil {
		name := types.NamespacedName{Namespace: gone.Namespace, Name: gone.Name}
		l.Pods.Mirrored(name, gone.Annotations[corev1.MirrorPodAnnotationKey], nil)
		l.Wake(name)
	}
}

// Of is the mirror of a static pod; nil if there is none.
func (l *Loop) Of(pod *corev1.Pod) *corev1.Pod {
	found := l.mirror(types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name})
	if found == nil || !of(found, pod) {
		return nil
	}
	return found
}

// Inspector shows what would be done next about a mirror pod, and what was done last. Its keys are NAMESPACE/NAME.
func (l *Loop) Inspector() engine.Inspector { return engine.Inspect(l.engine, parse) }

func parse(key string) (types.NamespacedName, error) {
	namespace, name, ok := strings.Cut(key, "/")
	if !ok {
		return types.NamespacedName{}, fmt.Errorf("reading %q: a pod is named by NAMESPACE/NAME", key)
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, nil
}

func (l *Loop) mirror(name types.NamespacedName) *corev1.Pod {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mirrors[name]
}

func (l *Loop) names() (all []types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name := range l.mirrors {
		all = append(all, name)
	}
	return all
}

// mirrors is the Loop as the engine sees it.
type mirrors struct{ *Loop }

var _ engine.Loop[types.NamespacedName, World, *actor] = mirrors{}

// Observe looks for the pods of a name.
func (l mirrors) Observe(_ context.Context, _ engine.Look, name types.NamespacedName) (World, error) {
	w := World{Mirror: l.mirror(name), Node: l.NodeUID()}
	w.Static, w.Ending = l.Pods.Static(name)
	select {
	case <-l.Seen:
		w.Seen = true
	default:
	}
	if w.Static == nil && w.Mirror == nil {
		return w, engine.ErrGone
	}
	return w, nil
}

// Plan decides what becomes of the mirror pod.
func (mirrors) Plan(_ types.NamespacedName, w World, _ time.Time) *engine.Plan[*actor] {
	return decide(w)
}

// Actor acts on the mirror pod of one name.
func (l mirrors) Actor(name types.NamespacedName, _ World, _ engine.Turn) *actor {
	return &actor{l.Loop, name}
}

// actor takes the steps about one name.
type actor struct {
	*Loop
	name types.NamespacedName
}

// there is the mirror that is there by now; nil if there is none.
func (a *actor) there() *corev1.Pod { return a.mirror(a.name) }
