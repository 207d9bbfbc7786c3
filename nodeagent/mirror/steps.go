package mirror

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/nodeagent/static"
)

// create makes a mirror pod.
type create struct {
	static *corev1.Pod
	node   types.UID
	why    string
}

func (*create) Verb() string     { return "create" }
func (s *create) String() string { return "create the mirror of static pod " + nameOf(s.static) }
func (s *create) Why() string    { return s.why }

func (s *create) Do(ctx context.Context, a *actor) error {
	err := a.Client.Create(ctx, a.mirrorOf(s.static, s.node))
	if apierrors.IsAlreadyExists(err) && a.there() != nil { // the watch has told of it meanwhile
		return nil
	}
	if err != nil {
		return fmt.Errorf("creating the mirror of static pod %s: %w", nameOf(s.static), err)
	}
	return nil
}

// mirrorOf is the mirror of a static pod. It has the hash of its manifest twice, as by the kubelet.
func (a *actor) mirrorOf(pod *corev1.Pod, node types.UID) *ocorev1.Pod {
	controller := true
	mirror := &ocorev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: pod.Name, Namespace: pod.Namespace, Labels: maps.Clone(pod.Labels), Annotations: maps.Clone(pod.Annotations), Finalizers: pod.Finalizers,
		OwnerReferences: []metav1.OwnerReference{{APIVersion: a.NodeAPI, Kind: "Node", Name: a.Node, UID: node, Controller: &controller}},
	}}
	mirror.Annotations[corev1.MirrorPodAnnotationKey] = pod.Annotations[static.AnnotationHash]
	pod.Spec.DeepCopyInto(&mirror.Spec)
	return mirror
}

// remove deletes a mirror pod at once: nothing runs for it.
type remove struct {
	mirror *corev1.Pod
	why    string
}

func (*remove) Verb() string     { return "delete" }
func (s *remove) String() string { return "delete mirror pod " + nameOf(s.mirror) }
func (s *remove) Why() string    { return s.why }

func (s *remove) Do(ctx context.Context, a *actor) error {
	now := int64(0)
	err := a.Client.Delete(ctx, (*ocorev1.Pod)(s.mirror.DeepCopy()), &client.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &s.mirror.UID},
	})
	if client.IgnoreNotFound(err) != nil && !apierrors.IsConflict(err) { // another one has the name by now
		return fmt.Errorf("deleting mirror pod %s: %w", nameOf(s.mirror), err)
	}
	return nil
}

func nameOf(pod *corev1.Pod) string { return pod.Namespace + "/" + pod.Name }
