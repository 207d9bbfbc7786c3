package webhooks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/apis"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/uuid"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/batch"
	"k8s.io/kubernetes/pkg/capabilities"
)

// Covers reports whether kind is one of ours under its own name, which the rules are for.
func Covers(kind schema.GroupVersionKind) bool {
	_, ok := strategies[apis.Kubernetes.GroupKind(kind.GroupKind())]
	return ok && kind.Group != apis.Kubernetes.Group(kind.Group)
}

// Default fills in what the user left out, as the API documents it. The status is left as it is. The error of an object
// that is not of its kind's shape is a BadRequest.
func Default(obj *unstructured.Unstructured) error {
	typed, err := decode(obj)
	if err != nil {
		return err
	}
	legacyscheme.Scheme.Default(typed)
	if pod, ok := typed.(*corev1.Pod); ok {
		tolerateForAWhile(pod)
	}
	return encode(typed, obj)
}

// encode makes obj what it is in Kubernetes' type, under its own name and with its own status.
func encode(typed runtime.Object, obj *unstructured.Unstructured) error {
	kind := obj.GroupVersionKind()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		return fmt.Errorf("encoding the defaulted %s: %w", kind.Kind, err)
	}
	content = withoutNulls(content)
	delete(content, "status")
	if status, ok := obj.Object["status"]; ok {
		content["status"] = status
	}
	obj.SetUnstructuredContent(content)
	obj.SetGroupVersionKind(kind)
	return nil
}

// tolerationSeconds is how long a pod stays on a node that is not ready or not reachable, unless it says so itself. Kubernetes has
// it from an admission plugin (DefaultTolerationSeconds), which sees the pods of its own name only.
const tolerationSeconds = 300

// tolerateForAWhile adds the tolerations of a pod that has none for the taints of a node in trouble.
func tolerateForAWhile(pod *corev1.Pod) {
	for _, taint := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		tolerated := slices.ContainsFunc(pod.Spec.Tolerations, func(t corev1.Toleration) bool {
			return (t.Key == taint || t.Key == "") && (t.Effect == corev1.TaintEffectNoExecute || t.Effect == "")
		})
		if !tolerated {
			pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{
				Key:               taint,
				Operator:          corev1.TolerationOpExists,
				Effect:            corev1.TaintEffectNoExecute,
				TolerationSeconds: new(int64(tolerationSeconds)),
			})
		}
	}
}

// ValidateCreate says what is wrong with an object that is to be created; nil if nothing is. Warnings go to the
// recorder of ctx (package warning of k8s.io/apiserver).
func ValidateCreate(ctx context.Context, obj *unstructured.Unstructured) error {
	allowPrivileged()
	internal, err := internalOf(obj)
	if err != nil {
		return err
	}
	strategy := strategyOf(obj)
	if err := completeMetadata(internal, strategy); err != nil {
		return err
	}
	return asOurs(rest.BeforeCreate(strategy, requestContext(ctx, obj), internal), obj)
}

// ValidateUpdate says what is wrong with a change of old into obj; nil if nothing is.
func ValidateUpdate(ctx context.Context, obj, old *unstructured.Unstructured) error {
	allowPrivileged()
	before, err := internalOf(allowBinding(obj, old))
	if err != nil {
		return nil //nolint:nilerr // what was stored before there were rules must stay changeable
	}
	after, err := internalOf(obj)
	if err != nil {
		return err
	}
	ctx = requestContext(ctx, obj)
	selecting(ctx, before, after)
	return asOurs(rest.BeforeUpdate(strategyOf(obj), ctx, after, before), obj)
}

// selecting gives Jobs the selectors that they would have been stored with under Kubernetes' name. Those hold a Job's UID, which nobody
// knows when it is to be created but the server that stores it; so a custom resource is stored without.
func selecting(ctx context.Context, objs ...runtime.Object) {
	for _, obj := range objs {
		if job, ok := obj.(*batch.Job); ok && job.Spec.Selector == nil {
			created := job.DeepCopy()
			strategies[schema.GroupKind{Group: batch.GroupName, Kind: "Job"}].PrepareForCreate(ctx, created)
			job.Spec.Selector, job.Spec.Template.Labels = created.Spec.Selector, created.Spec.Template.Labels
		}
	}
}

// allowPrivileged has validation accept privileged containers, as an API server started with --allow-privileged does: who may run them
// is for PodSecurity to say. It is said once in a process, and alike by an API server of ours in this one.
func allowPrivileged() { capabilities.Setup(true, 0) }

// allowBinding is old as if it had been on the node that obj is bound to: a custom resource has no binding subresource, so
// the scheduler binds a pod by its spec, which Kubernetes lets nobody do.
func allowBinding(obj, old *unstructured.Unstructured) *unstructured.Unstructured {
	was, _, _ := unstructured.NestedString(old.Object, "spec", "nodeName")
	is, _, _ := unstructured.NestedString(obj.Object, "spec", "nodeName")
	if obj.GetKind() != "Pod" || was != "" || is == "" {
		return old
	}
	bound := old.DeepCopy()
	if err := unstructured.SetNestedField(bound.Object, is, "spec", "nodeName"); err != nil {
		return old // a spec that is no object: decoding says so
	}
	return bound
}

func strategyOf(obj *unstructured.Unstructured) strategy {
	return strategies[apis.Kubernetes.GroupKind(obj.GroupVersionKind().GroupKind())]
}

// decode is the object under Kubernetes' name, in the type of its version.
func decode(obj *unstructured.Unstructured) (runtime.Object, error) {
	kind := apis.Kubernetes.GroupVersionKind(obj.GroupVersionKind())
	typed, err := legacyscheme.Scheme.New(kind)
	if err != nil {
		return nil, fmt.Errorf("decoding %s: %w", obj.GroupVersionKind(), err)
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.UnstructuredContent(), typed); err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("%s %q is not of its kind's shape: %v", kind.Kind, obj.GetName(), err))
	}
	typed.GetObjectKind().SetGroupVersionKind(kind)
	return typed, nil
}

// internalOf is the object, with its defaults, in the type that strategies work on.
func internalOf(obj *unstructured.Unstructured) (runtime.Object, error) {
	typed, err := decode(obj)
	if err != nil {
		return nil, err
	}
	legacyscheme.Scheme.Default(typed)
	group := typed.GetObjectKind().GroupVersionKind().Group
	internal, err := legacyscheme.Scheme.ConvertToVersion(typed, schema.GroupVersion{Group: group, Version: runtime.APIVersionInternal})
	if err != nil {
		return nil, fmt.Errorf("converting %s %q: %w", obj.GetKind(), obj.GetName(), err)
	}
	return internal, nil
}

// completeMetadata adds what a server adds after admission, and strategies rely on.
func completeMetadata(obj runtime.Object, strategy strategy) error {
	metadata, err := meta.Accessor(obj)
	if err != nil {
		return fmt.Errorf("reading metadata: %w", err)
	}
	if metadata.GetName() == "" && metadata.GetGenerateName() != "" {
		metadata.SetName(strategy.GenerateName(metadata.GetGenerateName()))
	}
	if metadata.GetUID() == "" {
		metadata.SetUID(uuid.NewUUID())
	}
	if created := metadata.GetCreationTimestamp(); created.IsZero() {
		metadata.SetCreationTimestamp(metav1.NewTime(time.Now()))
	}
	return nil
}

// requestContext is the context of a request for the object under Kubernetes' name.
func requestContext(ctx context.Context, obj *unstructured.Unstructured) context.Context {
	kind := apis.Kubernetes.GroupVersionKind(obj.GroupVersionKind())
	ctx = genericrequest.WithNamespace(ctx, obj.GetNamespace())
	return genericrequest.WithRequestInfo(ctx, &genericrequest.RequestInfo{
		IsResourceRequest: true,
		APIGroup:          kind.Group,
		APIVersion:        kind.Version,
		Namespace:         obj.GetNamespace(),
		Name:              obj.GetName(),
	})
}

// asOurs names the kind in an answer of Kubernetes as the user did.
func asOurs(err error, obj *unstructured.Unstructured) error {
	var answer *apierrors.StatusError
	if !errors.As(err, &answer) {
		return err
	}
	theirs := apis.Kubernetes.GroupKind(obj.GroupVersionKind().GroupKind())
	ours := obj.GroupVersionKind().GroupKind()
	answer.ErrStatus.Message = strings.Replace(answer.ErrStatus.Message, theirs.String()+" ", ours.String()+" ", 1)
	if answer.ErrStatus.Details != nil {
		answer.ErrStatus.Details.Group = ours.Group
	}
	return answer
}

// withoutNulls drops fields that are null: an encoder's way to write an empty time.
func withoutNulls(content map[string]any) map[string]any {
	for field, value := range content {
		if value = dropNulls(value); value == nil {
			delete(content, field)
		}
	}
	return content
}

func dropNulls(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return withoutNulls(v)
	case []any:
		for i := range v {
			v[i] = dropNulls(v[i])
		}
	}
	return value
}

// collector keeps the warnings of one request.
type collector struct{ warnings []string }

var _ warning.Recorder = (*collector)(nil)

func (c *collector) AddWarning(_, text string) { c.warnings = append(c.warnings, text) }
