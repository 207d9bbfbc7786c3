package simulate

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	configv1 "k8s.io/kube-scheduler/config/v1"

	"github.com/orrery-dev/orrery/scheduler"
	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/orrery-dev/orrery/scheduler/simulate/replica"
)

var (
	pods            = corev1.SchemeGroupVersion.WithResource("pods")
	nodes           = corev1.SchemeGroupVersion.WithResource("nodes")
	volumes         = corev1.SchemeGroupVersion.WithResource("persistentvolumes")
	claims          = corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims")
	priorityClasses = schema.GroupVersionResource{Group: "scheduling.k8s.io", Version: "v1", Resource: "priorityclasses"}
)

// Options say what is simulated.
type Options struct {
	// Origin is the cluster that is copied. Nil means an empty one.
	Origin replica.Origin
	// Configuration is that of the scheduler. Nil means all defaults. Leader election in it is ignored.
	Configuration *configv1.KubeSchedulerConfiguration
	// More are options for the scheduler, such as plugins from outside.
	More []scheduler.Option
	// Logger is where the simulated scheduler logs. The zero value means nowhere.
	Logger logr.Logger
}

// Simulation is a cluster in memory with a scheduler of its own. Its methods are called one at a time.
type Simulation struct {
	options Options
	replica *replica.Replica
	log     *log
}

// New returns a simulation. Nothing is read yet.
func New(options Options) *Simulation {
	if options.Configuration != nil {
		options.Configuration = options.Configuration.DeepCopy()
		options.Configuration.LeaderElection.LeaderElect = new(false)
	}
	w := &Simulation{options: options, replica: replica.New(options.Origin), log: &log{}}
	w.replica.OnWrite = func(resource schema.GroupVersionResource, old, now *unstructured.Unstructured) {
		w.log.note(resource, old, now)
		w.replica.Fail(w.bindVolumes(resource, now))
	}
	return w
}

// AddNodes adds nodes.
func (w *Simulation) AddNodes(ctx context.Context, all ...*corev1.Node) error {
	for _, node := range all {
		if err := w.add(ctx, nodes, "Node", node); err != nil {
			return err
		}
	}
	return nil
}

// RemoveNode takes a node away, and the pods on it. It returns those of them that a controller would create again elsewhere,
// as they would be: not yet on any node.
func (w *Simulation) RemoveNode(ctx context.Context, name string) ([]*corev1.Pod, error) {
	if err := w.replica.Delete(ctx, nodes, types.NamespacedName{Name: name}); err != nil {
		return nil, fmt.Errorf("removing node %s: %w", name, err)
	}
	all, err := w.pods(ctx)
	if err != nil {
		return nil, err
	}
	var moved []*corev1.Pod
	for _, pod := range all {
		if pod.Spec.NodeName != name {
			continue
		}
		if err := w.replica.Delete(ctx, pods, types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}); err != nil {
			return nil, fmt.Errorf("removing pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
		if owner := metav1.GetControllerOf(pod); owner != nil && owner.Kind != "DaemonSet" && owner.Kind != "Node" && !ended(pod) {
			moved = append(moved, pending(pod))
		}
	}
	return moved, nil
}

func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// pending returns a pod as it was before it was scheduled.
func pending(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Spec.NodeName = ""
	pod.UID, pod.ResourceVersion = "", ""
	pod.Status = corev1.PodStatus{Phase: corev1.PodPending}
	return pod
}

// Examine says why a pod of the copy can run on each of the nodes, or not; one that is on a node already as if it were not.
func (w *Simulation) Examine(ctx context.Context, namespace, name string) (*Examined, error) {
	object, err := w.replica.Get(ctx, pods, types.NamespacedName{Namespace: namespace, Name: name})
	if err != nil {
		return nil, fmt.Errorf("reading pod %s/%s: %w", namespace, name, err)
	}
	current := &corev1.Pod{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, current); err != nil {
		return nil, fmt.Errorf("reading pod %s/%s: %w", namespace, name, err)
	}
	// Gone, so that it is not counted where it is. What is asked about is a copy.
	if err := w.replica.Delete(ctx, pods, types.NamespacedName{Namespace: namespace, Name: name}); err != nil {
		return nil, fmt.Errorf("taking pod %s/%s from its node: %w", namespace, name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	running, err := w.start(ctx, func(s *scheduler.Scheduler) error { return s.Observe(ctx) })
	if err != nil {
		return nil, err
	}
	if err := <-running.ended; err != nil {
		return nil, err
	}
	defer func() { _ = running.scheduler.Close() }() // plugins that cannot be closed end with the process
	bare := pending(current)
	bare.UID = current.UID
	explanation, err := running.scheduler.Examine(ctx, bare)
	if err != nil {
		return nil, err
	}
	return &Examined{Pod: current, Explanation: explanation}, nil
}

// Examined is a pod as it is, and what is to be said of it.
type Examined struct {
	Pod         *corev1.Pod
	Explanation *explain.Explanation
}

// add creates an object in the copy.
func (w *Simulation) add(ctx context.Context, resource schema.GroupVersionResource, kind string, object metav1.Object) error {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return fmt.Errorf("adding %s %s: %w", kind, object.GetName(), err)
	}
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(resource.GroupVersion().WithKind(kind))
	created, err := w.replica.Create(ctx, resource, u)
	if err != nil {
		return fmt.Errorf("adding %s %s: %w", kind, object.GetName(), err)
	}
	object.SetUID(created.GetUID())
	object.SetName(created.GetName())
	return nil
}

// AddObject adds any other object, such as a PersistentVolumeClaim or a PodGroup. One that the cluster has already stays as
// it is there.
func (w *Simulation) AddObject(ctx context.Context, resource schema.GroupVersionResource, object *unstructured.Unstructured) error {
	if _, err := w.replica.Create(ctx, resource, object); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("adding %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return nil
}

func (w *Simulation) pods(ctx context.Context) ([]*corev1.Pod, error) {
	objects, err := w.replica.List(ctx, pods)
	if err != nil {
		return nil, err
	}
	all := make([]*corev1.Pod, len(objects))
	for i, object := range objects {
		all[i] = &corev1.Pod{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, all[i]); err != nil {
			return nil, fmt.Errorf("reading pod %s/%s: %w", object.GetNamespace(), object.GetName(), err)
		}
	}
	return all, nil
}

// err prefers why the copy is not what it should be to what came of that.
func (w *Simulation) err(err error) error {
	if cause := w.replica.Err(); cause != nil && !errors.Is(err, cause) {
		return cause
	}
	return err
}
