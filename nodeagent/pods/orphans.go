package pods

import (
	"context"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// CleanUpOrphanedPods looks for sandboxes of this agent, and for what is left on the node, whose pods nobody has named, and has
// the loop stop and remove them. Call it once all pods of the node have been Set; until then every pod would look like that.
func (l *Loop) CleanUpOrphanedPods(ctx context.Context) error {
	selector := map[string]string{cri.LabelAgent: l.Agent}
	sandboxes, err := l.Runtime.ListPodSandbox(ctx, &runtimeapi.PodSandboxFilter{LabelSelector: selector})
	if err != nil {
		return fmt.Errorf("listing sandboxes: %w", err)
	}
	for _, sandbox := range sandboxes {
		uid := types.UID(sandbox.Labels[cri.LabelPodUID])
		if !l.knows(uid) {
			l.setOrphan(sandbox.Labels, l.graceOf(ctx, string(uid)))
		}
	}
	onDisk, err := l.Host.ListPodsFromDisk()
	if err != nil {
		return fmt.Errorf("listing what is left of pods on the disk: %w", err)
	}
	for _, uid := range onDisk {
		if !l.knows(types.UID(uid)) {
			l.setOrphan(map[string]string{cri.LabelPodUID: uid}, nil)
		}
	}
	return nil
}

// setOrphan has the loop end a pod of which it knows no more than labels of a sandbox tell.
func (l *Loop) setOrphan(labels map[string]string, grace *int64) {
	pod := orphanOf(labels, grace)
	l.mu.Lock()
	if l.workers[pod.UID] == nil {
		l.workers[pod.UID] = &worker{pod: pod, orphan: true}
	}
	l.mu.Unlock()
	l.Wake(pod.UID)
}

// orphanOf is all that is known of a pod by the labels of its sandbox.
func orphanOf(labels map[string]string, grace *int64) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: labels[cri.LabelPodName], Namespace: labels[cri.LabelPodNamespace], UID: types.UID(labels[cri.LabelPodUID]),
	}}
	pod.Spec.TerminationGracePeriodSeconds = grace
	return pod
}

// graceOf reads the grace of a pod from its containers' annotations; nil means the default.
func (l *Loop) graceOf(ctx context.Context, uid string) *int64 {
	found, err := cri.ReadPod(ctx, l.Runtime, l.Agent, uid)
	if err != nil {
		return nil
	}
	for i := range found.Containers {
		if grace, err := strconv.ParseInt(found.Containers[i].Annotations[cri.AnnotationTerminationGracePeriod], 10, 64); err == nil {
			return &grace
		}
	}
	return nil
}
