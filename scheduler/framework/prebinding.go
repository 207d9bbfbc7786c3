package framework

import (
	"context"
	"errors"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
)

// prebindingPods are the pods in PreBind, where preemption can still call them off.
type prebindingPods struct {
	mutex sync.RWMutex
	pods  map[types.UID]*prebindingPod
}

func newPrebindingPods() *prebindingPods {
	return &prebindingPods{pods: map[types.UID]*prebindingPod{}}
}

// AddPodInPreBind lets others cancel the pod's binding until it is marked as prebound.
func (f *Framework) AddPodInPreBind(uid types.UID, cancel context.CancelCauseFunc) {
	f.prebinding.mutex.Lock()
	defer f.prebinding.mutex.Unlock()
	f.prebinding.pods[uid] = &prebindingPod{cancel: cancel}
}

// GetPodInPreBind returns the pod with the UID, or nil.
func (f *Framework) GetPodInPreBind(uid types.UID) fwk.PodInPreBind {
	f.prebinding.mutex.RLock()
	defer f.prebinding.mutex.RUnlock()
	if pod, found := f.prebinding.pods[uid]; found {
		return pod
	}
	return nil // A nil *prebindingPod would not be a nil interface.
}

// RemovePodInPreBind forgets the pod.
func (f *Framework) RemovePodInPreBind(uid types.UID) {
	f.prebinding.mutex.Lock()
	defer f.prebinding.mutex.Unlock()
	delete(f.prebinding.pods, uid)
}

type prebindingPod struct {
	mutex               sync.Mutex
	cancel              context.CancelCauseFunc
	prebound, cancelled bool
}

// CancelPod cancels the binding; it reports whether that was still possible.
func (p *prebindingPod) CancelPod(reason string) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.prebound {
		return false
	}
	p.cancelled = true
	p.cancel(errors.New(reason))
	return true
}

// MarkPrebound makes the binding final; it reports whether it had not been cancelled.
func (p *prebindingPod) MarkPrebound() bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.prebound = !p.cancelled
	return p.prebound
}
