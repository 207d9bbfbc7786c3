package mirror

import (
	"context"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/nodeagent/static"
)

// machine is a node with at most one static pod, and the API that shows it.
type machine struct {
	client.Client
	loop *Loop

	mu      sync.Mutex
	static  *corev1.Pod
	ending  bool
	written map[string]*corev1.PodStatus
}

func (m *machine) Static(types.NamespacedName) (*corev1.Pod, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.static, m.ending
}

func (m *machine) Mirrored(_ types.NamespacedName, hash string, s *corev1.PodStatus) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.written[hash] = s
}

var name = types.NamespacedName{Namespace: "default", Name: "web-m"}

// set is what the manifest becomes; nil is none.
func (m *machine) set(pod *corev1.Pod, ending bool) {
	m.mu.Lock()
	m.static, m.ending = pod, ending
	m.mu.Unlock()
	m.loop.Wake(name)
}

// hear tells the loop what the API has.
func (m *machine) hear(t *testing.T) *corev1.Pod {
	t.Helper()
	found := &ocorev1.Pod{}
	err := m.Get(t.Context(), name, found)
	if known := m.loop.mirror(name); known != nil && (err != nil || known.UID != found.UID || known.Name != found.Name) {
		m.loop.Remove(known.UID)
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	m.loop.Set((*corev1.Pod)(found))
	return (*corev1.Pod)(found)
}

func (m *machine) await(t *testing.T, what string, as func(mirror *corev1.Pod) bool) (found *corev1.Pod) {
	t.Helper()
	await.Until(t, what, func() (string, bool) {
		if found = m.hear(t); found == nil {
			return "no mirror", as(nil)
		}
		return found.String(), as(found)
	})
	return found
}

func TestAStaticPodIsShownForAsLongAsItRuns(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	m := &machine{Client: fake.NewClientBuilder().WithScheme(scheme).Build(), written: map[string]*corev1.PodStatus{}}
	seen := make(chan struct{})
	m.loop = New(Options{
		Client: m, Node: "m", NodeAPI: "v1", NodeUID: func() types.UID { return "node-uid" }, Pods: m, Seen: seen, Log: logr.Discard(),
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); m.loop.Run(ctx) }()
	defer func() { cancel(); <-ended }()

	m.set(staticPod("a"), false)
	mirror := m.await(t, "a mirror", func(mirror *corev1.Pod) bool { return mirror != nil })
	owner := metav1.GetControllerOf(mirror)
	if owner == nil || owner.Kind != "Node" || owner.APIVersion != "v1" || owner.Name != "m" || owner.UID != "node-uid" {
		t.Errorf("it belongs to %v", owner)
	}
	if mirror.Annotations[corev1.MirrorPodAnnotationKey] != "a" || mirror.Annotations[static.AnnotationHash] != "a" {
		t.Errorf("its annotations are %v", mirror.Annotations)
	}
	if m.loop.Of(staticPod("a")) == nil || m.loop.Of(staticPod("b")) != nil {
		t.Error("it is not told whose mirror it is")
	}

	m.set(staticPod("b"), false)
	m.await(t, "a mirror of the new manifest", func(mirror *corev1.Pod) bool {
		return mirror != nil && mirror.Annotations[corev1.MirrorPodAnnotationKey] == "b"
	})
	m.set(nil, true)
	close(seen)
	m.await(t, "the mirror of what is ending", func(mirror *corev1.Pod) bool { return mirror != nil })
	m.set(nil, false)
	m.await(t, "no mirror", func(mirror *corev1.Pod) bool { return mirror == nil })
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, told := m.written["b"]; !told || s != nil {
		t.Errorf("of the mirror that is gone it says %v", s)
	}
}
