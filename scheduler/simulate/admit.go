package simulate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// tolerationSeconds is how long a pod stays on a node in trouble, unless it says otherwise.
const tolerationSeconds = 300

// admit gives a pod what defaulting and admission would, as far as scheduling depends on it.
func (w *Simulation) admit(ctx context.Context, pod *corev1.Pod) error {
	if pod.Namespace == "" {
		pod.Namespace = metav1.NamespaceDefault
	}
	if len(pod.Spec.Containers) == 0 {
		return fmt.Errorf("pod %s/%s: spec.containers: at least one is required", pod.Namespace, pod.Name)
	}
	if pod.Spec.SchedulerName == "" {
		pod.Spec.SchedulerName = corev1.DefaultSchedulerName
	}
	if pod.CreationTimestamp.IsZero() {
		pod.CreationTimestamp = metav1.Now()
	}
	pod.Status.Phase = corev1.PodPending
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			requestLimits(&containers[i].Resources)
			namePorts(&containers[i], pod.Spec.HostNetwork)
		}
	}
	tolerateTrouble(&pod.Spec)
	return w.prioritize(ctx, pod)
}

// requestLimits requests what a limit allows, where nothing is requested.
func requestLimits(resources *corev1.ResourceRequirements) {
	for name, limit := range resources.Limits {
		if _, requested := resources.Requests[name]; !requested {
			if resources.Requests == nil {
				resources.Requests = corev1.ResourceList{}
			}
			resources.Requests[name] = limit
		}
	}
}

func namePorts(container *corev1.Container, onHost bool) {
	for i := range container.Ports {
		port := &container.Ports[i]
		if port.Protocol == "" {
			port.Protocol = corev1.ProtocolTCP
		}
		if onHost && port.HostPort == 0 {
			port.HostPort = port.ContainerPort
		}
	}
}

func tolerateTrouble(spec *corev1.PodSpec) {
	for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		known := slices.ContainsFunc(spec.Tolerations, func(t corev1.Toleration) bool { return t.Key == key || t.Key == "" })
		if !known {
			spec.Tolerations = append(spec.Tolerations, corev1.Toleration{
				Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To[int64](tolerationSeconds),
			})
		}
	}
}

// builtInPriorities are those of the classes that every cluster has.
var builtInPriorities = map[string]int32{
	"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000,
}

// prioritize gives a pod the priority of its class, or of the class for pods without one.
func (w *Simulation) prioritize(ctx context.Context, pod *corev1.Pod) error {
	if pod.Spec.Priority != nil {
		return nil
	}
	class, err := w.priorityClass(ctx, pod.Spec.PriorityClassName)
	if err != nil {
		return fmt.Errorf("pod %s/%s: spec.priorityClassName %q: %w", pod.Namespace, pod.Name, pod.Spec.PriorityClassName, err)
	}
	pod.Spec.Priority = ptr.To(class.Value)
	if pod.Spec.PreemptionPolicy == nil {
		pod.Spec.PreemptionPolicy = class.PreemptionPolicy
	}
	return nil
}

func (w *Simulation) priorityClass(ctx context.Context, name string) (*schedulingv1.PriorityClass, error) {
	if name != "" {
		if value, builtIn := builtInPriorities[name]; builtIn {
			return &schedulingv1.PriorityClass{Value: value}, nil
		}
		object, err := w.replica.Get(ctx, priorityClasses, types.NamespacedName{Name: name})
		if apierrors.IsNotFound(err) {
			return nil, errors.New("there is no such PriorityClass in the cluster or the file")
		}
		if err != nil {
			return nil, err
		}
		class := &schedulingv1.PriorityClass{}
		return class, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, class)
	}
	objects, err := w.replica.List(ctx, priorityClasses)
	if err != nil {
		return nil, err
	}
	result := &schedulingv1.PriorityClass{}
	for _, object := range objects {
		class := &schedulingv1.PriorityClass{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, class); err != nil {
			return nil, err
		}
		if class.GlobalDefault {
			result = class
		}
	}
	return result, nil
}
