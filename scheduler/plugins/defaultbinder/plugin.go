// Package defaultbinder binds a pod to its node through the API server.
package defaultbinder

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "DefaultBinder"

// Binding binds a pod to a node, whatever that takes under the names that are in use.
type Binding func(ctx context.Context, pod *corev1.Pod, node string) error

// Plugin calls the binding.
type Plugin struct {
	bind  Binding
	queue framework.BindQueue
}

var _ framework.QueuedBindPlugin = &Plugin{}

// Factory returns a factory of the plugin. It takes no arguments. queue is where pods wait in the binding; nil means that
// they do not.
func Factory(bind Binding, queue framework.BindQueue) framework.Factory {
	return func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
		return &Plugin{bind: bind, queue: queue}, nil
	}
}

// Name returns the plugin's name.
func (*Plugin) Name() string { return Name }

// BindQueue returns where pods wait in Bind.
func (p *Plugin) BindQueue() framework.BindQueue { return p.queue }

// Bind binds the pod. An error is the API server's.
func (p *Plugin) Bind(ctx context.Context, _ fwk.CycleState, pod *corev1.Pod, node string) *fwk.Status {
	return fwk.AsStatus(p.bind(ctx, pod, node))
}
