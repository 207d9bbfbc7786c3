package framework

import (
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// findSigners collects the plugins that take part in a pod's signature. If one that filters or scores cannot sign, two
// pods of this profile can never be known to be alike.
func (f *Framework) findSigners() {
	var plugins []fwk.Plugin
	for _, plugin := range f.preFilter {
		plugins = append(plugins, plugin)
	}
	for _, plugin := range f.filter {
		plugins = append(plugins, plugin)
	}
	for _, plugin := range f.preScore {
		plugins = append(plugins, plugin)
	}
	for _, plugin := range f.score {
		plugins = append(plugins, plugin)
	}
	seen := map[string]bool{}
	for _, plugin := range plugins {
		if seen[plugin.Name()] {
			continue
		}
		seen[plugin.Name()] = true
		signer, signs := plugin.(fwk.SignPlugin)
		if !signs {
			f.unsignable = true
			return
		}
		f.signers = append(f.signers, signer)
	}
}

// SignPod returns what decides where a pod fits: pods with equal signatures fit the same nodes equally well. Nil means
// that it cannot be told.
func (f *Framework) SignPod(ctx context.Context, pod *corev1.Pod) fwk.PodSignature {
	if f.unsignable {
		return nil
	}
	fragments := map[string]any{fwk.SchedulerNameSignerName: pod.Spec.SchedulerName}
	for _, plugin := range f.signers {
		var own []fwk.SignFragment
		status := call(ctx, (*CycleState)(nil), Sign, plugin, func() (s *fwk.Status) {
			own, s = plugin.SignPod(ctx, pod)
			return s
		})
		if !status.IsSuccess() {
			if status.IsError() {
				klog.FromContext(ctx).Error(status.AsError(), "Pod cannot be signed", "pod", klog.KObj(pod), "plugin", plugin.Name())
			}
			return nil
		}
		for _, fragment := range own {
			fragments[fragment.Key] = fragment.Value
		}
	}
	signature, err := json.Marshal(fragments)
	if err != nil {
		klog.FromContext(ctx).Error(err, "Pod cannot be signed", "pod", klog.KObj(pod))
		return nil
	}
	return signature
}
