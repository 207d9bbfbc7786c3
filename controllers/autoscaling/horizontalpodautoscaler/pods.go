package horizontalpodautoscaler

import (
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	podresources "k8s.io/component-helpers/resource"
)

// sorted are the pods of a target, by what is known of how much of something they use.
type sorted struct {
	// used is how much is used, by pod: what was measured, and counts. It may hold more pods than the target has, of which only
	// the metrics API still knows.
	used map[string]int64
	// ready is how many of the target's pods are in it.
	ready int
	// unready are pods whose use would say nothing, as they do not work yet, and missing those that work and were not measured.
	unready, missing []string
}

// sort sorts pods by what samples of a resource say, which is empty for a metric that is about no resource. Pods that have failed or
// are going count nowhere.
func (c Controller) sort(pods []*corev1.Pod, samples map[string]sample, resource corev1.ResourceName, now time.Time) sorted {
	s := sorted{used: make(map[string]int64, len(samples))}
	for name, sample := range samples {
		s.used[name] = sample.value
	}
	for _, pod := range pods {
		sample, measured := samples[pod.Name]
		switch {
		case pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodFailed:
			delete(s.used, pod.Name)
		case pod.Status.Phase == corev1.PodPending, measured && resource == corev1.ResourceCPU && c.starting(pod, sample, now):
			delete(s.used, pod.Name)
			s.unready = append(s.unready, pod.Name)
		case !measured:
			s.missing = append(s.missing, pod.Name)
		default:
			s.ready++
		}
	}
	return s
}

// starting reports that the CPU which a pod uses is that of its start: what it takes then says nothing about its work.
func (c Controller) starting(pod *corev1.Pod, use sample, now time.Time) bool {
	ready := readiness(pod)
	if ready == nil || pod.Status.StartTime == nil {
		return true
	}
	started, changed := pod.Status.StartTime.Time, ready.LastTransitionTime.Time
	if started.Add(c.options.CPUInitializationPeriod).After(now) {
		return ready.Status == corev1.ConditionFalse || use.at.Before(changed.Add(use.window)) // not one whole window since
	}
	return ready.Status == corev1.ConditionFalse && started.Add(c.options.InitialReadinessDelay).After(changed) // it never was
}

func readiness(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == corev1.PodReady {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// working is how many pods run and are ready.
func working(pods []*corev1.Pod) (int, error) {
	if len(pods) == 0 {
		return 0, fmt.Errorf("unable to calculate ready pods: %w", errNoPods)
	}
	n := 0
	for _, pod := range pods {
		if ready := readiness(pod); pod.Status.Phase == corev1.PodRunning && ready != nil && ready.Status == corev1.ConditionTrue {
			n++
		}
	}
	return n, nil
}

var (
	errNoPods    = errors.New("no pods returned by selector while calculating replica count")
	errNoSamples = errors.New("did not receive metrics for targeted pods (pods might be unready)")
)

// requests are how much of a resource each pod asks for, in thousandths; with a container's name, how much that container does. That
// one of them asks for nothing is an error: of nothing there is no part.
func requests(pods []*corev1.Pod, container string, resource corev1.ResourceName) (map[string]int64, error) {
	asked := make(map[string]int64, len(pods))
	for _, pod := range pods {
		request, err := requestOf(pod, container, resource)
		if err != nil {
			return nil, err
		}
		asked[pod.Name] = request
	}
	return asked, nil
}

func requestOf(pod *corev1.Pod, container string, resource corev1.ResourceName) (int64, error) {
	if container == "" && podresources.IsPodLevelRequestsSet(pod) {
		request, ok := podresources.PodRequests(pod, podresources.PodResourcesOptions{})[resource]
		if !ok {
			return 0, fmt.Errorf("missing pod-level request for %s in Pod %s", resource, pod.Name)
		}
		return request.MilliValue(), nil
	}
	sum, found := int64(0), container == ""
	for _, c := range lasting(pod) {
		if container != "" && c.Name != container {
			continue
		}
		request, ok := c.Resources.Requests[resource]
		if !ok {
			return 0, fmt.Errorf("missing request for %s in container %s of Pod %s", resource, c.Name, pod.Name)
		}
		sum, found = sum+request.MilliValue(), true
	}
	if !found {
		return 0, fmt.Errorf("container %s not found in Pod %s", container, pod.Name)
	}
	return sum, nil
}

// lasting are the containers that run for as long as their pod does: its own, and then its sidecars.
func lasting(pod *corev1.Pod) []*corev1.Container {
	var all []*corev1.Container
	for i := range pod.Spec.Containers {
		all = append(all, &pod.Spec.Containers[i])
	}
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			all = append(all, c)
		}
	}
	return all
}
