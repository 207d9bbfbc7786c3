package differential

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubectl/pkg/util/podutils"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// node is where pods run that nobody has placed. Pods of DaemonSets name a node by their affinity.
const node = "node"

// broken is an image that runs and never gets ready.
const broken = "broken"

// fate is something that scheduler or kubelet do to a pod.
type fate struct {
	name string
	// befalls says which pods it can happen to.
	befalls func(pod *corev1.Pod) bool
	happen  func(ctx context.Context, c client.Client, pod *corev1.Pod) error
}

func waits(pod *corev1.Pod) bool  { return pod.Spec.NodeName == "" && !ended(pod) }
func placed(pod *corev1.Pod) bool { return pod.Spec.NodeName != "" && !ended(pod) }
func leaves(pod *corev1.Pod) bool { return pod.DeletionTimestamp != nil }
func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
}
func stays(pod *corev1.Pod) bool { return pod.DeletionTimestamp == nil && placed(pod) }
func ready(pod *corev1.Pod) bool { return podutils.IsPodReady(pod) }

func and(a, b func(*corev1.Pod) bool) func(*corev1.Pod) bool {
	return func(pod *corev1.Pod) bool { return a(pod) && b(pod) }
}

func not(a func(*corev1.Pod) bool) func(*corev1.Pod) bool {
	return func(pod *corev1.Pod) bool { return !a(pod) }
}

var (
	isPlaced  = fate{"is placed", waits, place}
	runs_     = fate{"runs", and(stays, not(ready)), reports(corev1.PodRunning, false)}
	getsReady = fate{"gets ready", and(stays, not(ready)), reports(corev1.PodRunning, true)}
	isUnready = fate{"is not ready any more", and(stays, ready), reports(corev1.PodRunning, false)}
	fails     = fate{"fails", placed, reports(corev1.PodFailed, false)}
	// exits42 and isDisrupted are what policies of Jobs may tell from other failures.
	exits42 = fate{"fails with exit code 42", placed, failsWith(func(status *corev1.PodStatus) {
		for i := range status.ContainerStatuses {
			status.ContainerStatuses[i].State.Terminated.ExitCode = 42
		}
	})}
	isDisrupted = fate{"fails, disrupted", placed, failsWith(func(status *corev1.PodStatus) {
		status.Conditions = append(status.Conditions, corev1.PodCondition{
			Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonTerminationByKubelet, LastTransitionTime: metav1.Now(),
		})
	})}
	succeeds  = fate{"succeeds", placed, reports(corev1.PodSucceeded, false)}
	goes      = fate{"goes", leaves, remove}
	isDeleted = fate{"is deleted", not(leaves), func(ctx context.Context, c client.Client, pod *corev1.Pod) error { return c.Delete(ctx, pod) }}
	// lives is the next thing that happens to a pod when all is well.
	lives = fate{"lives on", func(pod *corev1.Pod) bool { return next(pod) != nil }, func(ctx context.Context, c client.Client, pod *corev1.Pod) error {
		return next(pod).happen(ctx, c, pod)
	}}
)

// next is what happens to a pod by itself: it is placed and gets ready at once, or goes.
func next(pod *corev1.Pod) *fate {
	brokenImage := strings.Contains(pod.Spec.Containers[0].Image, broken)
	switch {
	case leaves(pod):
		return &goes
	case ended(pod):
		return nil
	case waits(pod):
		return &fate{"starts", waits, func(ctx context.Context, c client.Client, pod *corev1.Pod) error {
			if err := place(ctx, c, pod); err != nil {
				return err
			}
			return reports(corev1.PodRunning, !brokenImage)(ctx, c, pod)
		}}
	case !ready(pod) && !brokenImage:
		return &getsReady
	default:
		return nil
	}
}

// place binds a pod, as a scheduler does.
func place(ctx context.Context, c client.Client, pod *corev1.Pod) error {
	target := corev1.ObjectReference{Kind: "Node", Name: wanted(pod)}
	binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace}, Target: target}
	if err := c.SubResource("binding").Create(ctx, pod, binding); err != nil {
		return err
	}
	return c.Get(ctx, client.ObjectKeyFromObject(pod), pod)
}

// wanted is the node that the affinity of a pod of a DaemonSet names, or the first one of the scenario that a pod selects the nodes of.
func wanted(pod *corev1.Pod) string {
	if scenario, of := pod.Spec.NodeSelector[scenarioLabel]; of && pod.Spec.NodeSelector[ofDaemonSet] == "" {
		return scenario + "-node0"
	}
	if a := pod.Spec.Affinity; a != nil && a.NodeAffinity != nil && a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		for _, term := range a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
			for _, field := range term.MatchFields {
				return field.Values[0]
			}
		}
	}
	return node
}

// reports makes a pod's status what a kubelet would say.
func reports(phase corev1.PodPhase, isReady bool) func(context.Context, client.Client, *corev1.Pod) error {
	return says(phase, isReady, func(*corev1.PodStatus) {})
}

// failsWith lets a pod fail, with more to say.
func failsWith(more func(*corev1.PodStatus)) func(context.Context, client.Client, *corev1.Pod) error {
	return says(corev1.PodFailed, false, more)
}

func says(phase corev1.PodPhase, isReady bool, more func(*corev1.PodStatus)) func(context.Context, client.Client, *corev1.Pod) error {
	return func(ctx context.Context, c client.Client, pod *corev1.Pod) error {
		return changeStatus(ctx, c, pod, func(pod *corev1.Pod) {
			now := metav1.NewTime(time.Now().Truncate(time.Second))
			status := &pod.Status
			status.Phase = phase
			status.PodIP = address(pod)
			status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
			status.StartTime = &now
			truth := corev1.ConditionFalse
			if isReady {
				truth = corev1.ConditionTrue
			}
			before := status.Conditions
			status.Conditions = nil
			for kind, truth := range map[corev1.PodConditionType]corev1.ConditionStatus{
				corev1.PodScheduled: corev1.ConditionTrue, corev1.PodInitialized: corev1.ConditionTrue, corev1.ContainersReady: truth, corev1.PodReady: truth,
			} {
				condition := corev1.PodCondition{Type: kind, Status: truth, LastTransitionTime: now}
				if i := slices.IndexFunc(before, func(c corev1.PodCondition) bool { return c.Type == kind && c.Status == truth }); i >= 0 {
					condition.LastTransitionTime = before[i].LastTransitionTime
				}
				status.Conditions = append(status.Conditions, condition)
			}
			status.ContainerStatuses = nil
			for _, container := range pod.Spec.Containers {
				status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
					Name: container.Name, Image: container.Image, Ready: isReady, State: containerState(phase, now),
				})
			}
			more(status)
		})
	}
}

// containerState has pods end an hour ago, so that nobody waits before they are replaced.
func containerState(phase corev1.PodPhase, now metav1.Time) corev1.ContainerState {
	ago := metav1.NewTime(now.Add(-time.Hour))
	switch phase {
	case corev1.PodFailed:
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", StartedAt: ago, FinishedAt: ago}}
	case corev1.PodSucceeded:
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: ago, FinishedAt: ago}}
	default:
		return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
	}
}

// address is the same for a pod for ever, and no address is the beginning of another.
func address(pod *corev1.Pod) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(pod.UID))
	sum := h.Sum32()
	octet := func(shift uint) uint32 { return 100 + sum>>shift&0xff%150 }
	return fmt.Sprintf("10.%d.%d.%d", octet(0), octet(8), octet(16))
}

func remove(ctx context.Context, c client.Client, pod *corev1.Pod) error {
	return client.IgnoreNotFound(c.Delete(ctx, pod, client.GracePeriodSeconds(0)))
}

// changeStatus changes the status of an object as it is now.
func changeStatus[T client.Object](ctx context.Context, c client.Client, obj T, change func(T)) error {
	return again(ctx, c, obj, func() error {
		change(obj)
		return c.Status().Update(ctx, obj)
	})
}

// changeObject changes an object as it is now.
func changeObject[T client.Object](ctx context.Context, c client.Client, obj T, change func(T)) error {
	return again(ctx, c, obj, func() error {
		change(obj)
		return c.Update(ctx, obj)
	})
}

// again reads an object and writes it until nobody else has written meanwhile.
func again(ctx context.Context, c client.Client, obj client.Object, write func() error) error {
	for {
		if err := c.Get(ctx, client.ObjectKeyFromObject(obj), obj); err != nil {
			return err
		}
		if err := write(); !apierrors.IsConflict(err) {
			return err
		}
	}
}
