package webhooks

import (
	"context"
	"errors"
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podsecurityadmission "k8s.io/pod-security-admission/admission"
	podsecurityconfig "k8s.io/pod-security-admission/admission/api"
	"k8s.io/pod-security-admission/admission/api/load"
	podsecurityapi "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/metrics"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/orrery-dev/orrery/apis"
)

// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch

// LoadPodSecurity reads a PodSecurityConfiguration, as kube-apiserver's admission configuration has it: the levels of namespaces
// without labels, and who is exempt. An empty path is Kubernetes' default: the privileged level, and nobody.
func LoadPodSecurity(path string) (*podsecurityconfig.PodSecurityConfiguration, error) {
	configuration, err := load.LoadFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of PodSecurity: %w", err)
	}
	return configuration, nil
}

// podSecurity holds our pods, and warns of our templates, to the Pod Security Standards of their namespaces: as the admission plugin
// PodSecurity does for those of Kubernetes' own names, by the same library and in the same words.
type podSecurity struct {
	delegate *podsecurityadmission.Admission
}

// newPodSecurity reads namespaces from a cache, and from the API server what that does not show yet.
func newPodSecurity(configuration *podsecurityconfig.PodSecurityConfiguration, cached, live client.Reader) (podSecurity, error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return podSecurity{}, fmt.Errorf("preparing the checks of PodSecurity: %w", err)
	}
	a := &podsecurityadmission.Admission{
		Configuration: configuration, Evaluator: evaluator, Metrics: uncounted{},
		PodSpecExtractor: podsecurityadmission.DefaultPodSpecExtractor{},
		NamespaceGetter:  namespaces{cached, live}, PodLister: nobody{},
	}
	if err := errors.Join(a.CompleteConfiguration(), a.ValidateConfiguration()); err != nil {
		return podSecurity{}, fmt.Errorf("configuring PodSecurity: %w", err)
	}
	return podSecurity{a}, nil
}

// Handle implements admission.Handler.
func (p podSecurity) Handle(ctx context.Context, request admission.Request) admission.Response {
	resource := apis.Kubernetes.GroupResource(schema.GroupResource{Group: request.Resource.Group, Resource: request.Resource.Resource})
	if resource == (schema.GroupResource{Group: request.Resource.Group, Resource: request.Resource.Resource}) || !p.delegate.PodSpecExtractor.HasPodSpec(resource) {
		return admission.Allowed("")
	}
	answer := p.delegate.Validate(ctx, &podAttributes{request, resource.WithVersion(request.Resource.Version)}).DeepCopy() // it may be shared
	if answer.Result != nil {
		answer.Result.Message = strings.Replace(answer.Result.Message, resource.String()+" ", request.Resource.Resource+"."+request.Resource.Group+" ", 1)
		if answer.Result.Details != nil {
			answer.Result.Details.Group = request.Resource.Group
		}
	}
	return admission.Response{AdmissionResponse: *answer}
}

// podAttributes are a request under Kubernetes' name.
type podAttributes struct {
	request  admission.Request
	resource schema.GroupVersionResource
}

var _ podsecurityapi.Attributes = &podAttributes{}

func (a *podAttributes) GetName() string                          { return a.request.Name }
func (a *podAttributes) GetNamespace() string                     { return a.request.Namespace }
func (a *podAttributes) GetResource() schema.GroupVersionResource { return a.resource }
func (a *podAttributes) GetSubresource() string                   { return a.request.SubResource }
func (a *podAttributes) GetOperation() admissionv1.Operation      { return a.request.Operation }
func (a *podAttributes) GetUserName() string                      { return a.request.UserInfo.Username }
func (a *podAttributes) GetObject() (runtime.Object, error)       { return defaulted(a.request.Object) }
func (a *podAttributes) GetOldObject() (runtime.Object, error)    { return defaulted(a.request.OldObject) }

func (a *podAttributes) GetKind() schema.GroupVersionKind {
	return apis.Kubernetes.GroupVersionKind(schema.GroupVersionKind(a.request.Kind))
}

// defaulted is an object in Kubernetes' type, with its defaults: who turned off the webhook that fills them in has not turned off what
// follows from them.
func defaulted(raw runtime.RawExtension) (runtime.Object, error) {
	obj, err := unstructuredOf(raw)
	if err != nil {
		return nil, err
	}
	typed, err := decode(obj)
	if err != nil {
		return nil, err
	}
	legacyscheme.Scheme.Default(typed)
	return typed, nil
}

// namespaces finds the labels of a namespace.
type namespaces struct{ cached, live client.Reader }

// GetNamespace implements podsecurityadmission.NamespaceGetter.
func (n namespaces) GetNamespace(ctx context.Context, name string) (*corev1.Namespace, error) {
	found := &corev1.Namespace{}
	err := n.cached.Get(ctx, client.ObjectKey{Name: name}, found)
	if apierrors.IsNotFound(err) {
		err = n.live.Get(ctx, client.ObjectKey{Name: name}, found)
	}
	if err != nil {
		return nil, fmt.Errorf("reading Namespace %s: %w", name, err)
	}
	return found, nil
}

// nobody lists no pods: they are listed for requests about namespaces, which are the cluster's own and never come here.
type nobody struct{}

func (nobody) ListPods(context.Context, string) ([]*corev1.Pod, error) { return nil, nil }

// uncounted counts nothing: what webhooks decide controller-runtime counts, and the API server.
type uncounted struct{}

func (uncounted) RecordEvaluation(metrics.Decision, podsecurityapi.LevelVersion, metrics.Mode, podsecurityapi.Attributes) {
}
func (uncounted) RecordExemption(podsecurityapi.Attributes)       {}
func (uncounted) RecordError(_ bool, _ podsecurityapi.Attributes) {}
