package nodeagent

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// eventTimeout bounds one write of an event; the broadcaster tries again.
const eventTimeout = 10 * time.Second

// eventSink writes events to the API server, each within a bounded time: a server that does not answer must not hold up the rest.
type eventSink struct {
	ctx  context.Context
	kube kubernetes.Interface
}

func (s eventSink) Create(event *corev1.Event) (*corev1.Event, error) {
	ctx, cancel := context.WithTimeout(s.ctx, eventTimeout)
	defer cancel()
	return s.kube.CoreV1().Events(event.Namespace).Create(ctx, event, metav1.CreateOptions{})
}

func (s eventSink) Update(event *corev1.Event) (*corev1.Event, error) {
	ctx, cancel := context.WithTimeout(s.ctx, eventTimeout)
	defer cancel()
	return s.kube.CoreV1().Events(event.Namespace).Update(ctx, event, metav1.UpdateOptions{})
}

func (s eventSink) Patch(old *corev1.Event, data []byte) (*corev1.Event, error) {
	ctx, cancel := context.WithTimeout(s.ctx, eventTimeout)
	defer cancel()
	return s.kube.CoreV1().Events(old.Namespace).Patch(ctx, old.Name, types.StrategicMergePatchType, data, metav1.PatchOptions{})
}
