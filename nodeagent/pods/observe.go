package pods

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/probes"
)

// observe reads all that is known about a pod. The world is nil when there is nothing to decide about.
func (l *Loop) observe(ctx context.Context, uid types.UID) (*World, error) {
	runtime, err := cri.ReadPod(ctx, l.Runtime, l.Agent, string(uid))
	if err != nil {
		return nil, err
	}
	l.Host.ReadTerminationMessages(runtime.Containers)
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.workers[uid]
	if w == nil {
		return nil, nil
	}
	world := &World{
		Pod: w.pod, Gone: w.gone, Orphan: w.orphan, Graceful: l.Graceful, Predecessor: l.predecessor(w.pod),
		Runtime: runtime, HostIPs: l.HostIPs(), Memory: w.memory.copy(),
	}
	if !w.orphan {
		world.Probes = l.probes.Sync(uid, world.targets())
	}
	return world, nil
}

// predecessor says whether an older pod of the same name is still there. The lock is held. Only needed where the API
// lets go of a pod before the agent has.
func (l *Loop) predecessor(pod *corev1.Pod) bool {
	if l.Graceful {
		return false
	}
	for uid, w := range l.workers {
		if uid != pod.UID && (w.gone || w.orphan) && w.pod.Name == pod.Name && w.pod.Namespace == pod.Namespace {
			return true
		}
	}
	return false
}

// targets are the running containers, for the probes.
func (w *World) targets() []probes.Target {
	specs := map[string]*corev1.Container{}
	for i := range w.Pod.Spec.Containers {
		specs[w.Pod.Spec.Containers[i].Name] = &w.Pod.Spec.Containers[i]
	}
	for i := range w.Pod.Spec.InitContainers {
		specs[w.Pod.Spec.InitContainers[i].Name] = &w.Pod.Spec.InitContainers[i]
	}
	for i := range w.Pod.Spec.EphemeralContainers {
		spec := (*corev1.Container)(&w.Pod.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		specs[spec.Name] = spec
	}
	var ip string
	if ips := w.podIPs(); len(ips) > 0 {
		ip = ips[0]
	}
	var targets []probes.Target
	for i := range w.Runtime.Containers {
		c := &w.Runtime.Containers[i]
		if spec := specs[c.Name]; c.Running() && spec != nil {
			target := probes.Target{Pod: w.Pod, Container: spec, ID: c.ID, IP: ip, Started: c.Started}
			target.WasStarted, target.WasReady = before(w.Pod, c.ContainerID())
			targets = append(targets, target)
		}
	}
	return targets
}

// before returns what the API server has about a container that runs.
func before(pod *corev1.Pod, id string) (started, ready bool) {
	for _, list := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses} {
		for i := range list {
			if s := &list[i]; s.State.Running != nil && s.ContainerID == id {
				return s.Started != nil && *s.Started, s.Ready
			}
		}
	}
	return false, false
}

// orphanOf is the pod of a sandbox that nobody knows, as far as the sandbox tells.
func orphanOf(labels map[string]string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: labels[cri.LabelPodName], Namespace: labels[cri.LabelPodNamespace], UID: types.UID(labels[cri.LabelPodUID]),
	}}
}
