package webhooks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/warning"
	podsecurityconfig "k8s.io/pod-security-admission/admission/api"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// The paths that AddTo serves, and that config/webhook names.
const (
	DefaultPath     = "/default"
	ValidatePath    = "/validate"
	PodSecurityPath = "/pod-security"
)

// +kubebuilder:webhook:name=default.orrery.dev,path=/default,mutating=true,failurePolicy=fail,sideEffects=None,admissionReviewVersions=v1,verbs=create;update,groups=apps.orrery.dev;autoscaling.orrery.dev;batch.orrery.dev;core.orrery.dev;discovery.orrery.dev;networking.orrery.dev;policy.orrery.dev;scheduling.orrery.dev;storage.orrery.dev,versions=*,resources=*,reinvocationPolicy=IfNeeded
// +kubebuilder:webhook:name=validate.orrery.dev,path=/validate,mutating=false,failurePolicy=fail,sideEffects=None,admissionReviewVersions=v1,verbs=create;update,groups=apps.orrery.dev;autoscaling.orrery.dev;batch.orrery.dev;core.orrery.dev;discovery.orrery.dev;networking.orrery.dev;policy.orrery.dev;scheduling.orrery.dev;storage.orrery.dev,versions=*,resources=*
// +kubebuilder:webhook:name=pod-security.orrery.dev,path=/pod-security,mutating=false,failurePolicy=fail,sideEffects=None,admissionReviewVersions=v1,verbs=create;update,groups=apps.orrery.dev;batch.orrery.dev;core.orrery.dev,versions=*,resources=cronjobs;daemonsets;deployments;jobs;pods;replicasets;replicationcontrollers;statefulsets

// Options say by what the webhooks judge.
type Options struct {
	// PodSecurity are the levels of namespaces without labels, and who is exempt; nil is Kubernetes' default. See [LoadPodSecurity].
	PodSecurity *podsecurityconfig.PodSecurityConfiguration
}

// AddTo serves the rules from a manager's webhook server.
func AddTo(mgr manager.Manager, o Options) error {
	if o.PodSecurity == nil {
		var err error
		if o.PodSecurity, err = LoadPodSecurity(""); err != nil {
			return err
		}
	}
	security, err := newPodSecurity(o.PodSecurity, mgr.GetClient(), mgr.GetAPIReader())
	if err != nil {
		return err
	}
	server, l := mgr.GetWebhookServer(), limits{mgr.GetClient()}
	server.Register(DefaultPath, &webhook.Admission{Handler: admission.HandlerFunc(l.handleDefault)})
	server.Register(ValidatePath, &webhook.Admission{Handler: admission.HandlerFunc(l.handleValidate)})
	server.Register(PodSecurityPath, &webhook.Admission{Handler: security})
	return nil
}

func (l limits) handleDefault(ctx context.Context, request admission.Request) admission.Response {
	obj, response := objectOf(request)
	if response != nil {
		return *response
	}
	if err := Default(obj); err != nil {
		return refused(err)
	}
	if request.Operation == admissionv1.Create {
		if err := l.fillIn(ctx, obj); err != nil {
			return refused(err)
		}
	}
	defaulted, err := json.Marshal(obj)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	return admission.PatchResponseFromRaw(request.Object.Raw, defaulted)
}

func (l limits) handleValidate(ctx context.Context, request admission.Request) admission.Response {
	obj, response := objectOf(request)
	if response != nil {
		return *response
	}
	if err := l.forbids(ctx, request, obj); err != nil {
		return refused(err)
	}
	var said collector
	ctx = warning.WithWarningRecorder(ctx, &said)
	var err error
	if request.Operation == admissionv1.Update {
		old, decoding := unstructuredOf(request.OldObject)
		if decoding != nil {
			return admission.Errored(http.StatusBadRequest, decoding)
		}
		err = ValidateUpdate(ctx, obj, old)
	} else {
		err = ValidateCreate(ctx, obj)
	}
	if err != nil {
		return refused(err).WithWarnings(said.warnings...)
	}
	return admission.Allowed("").WithWarnings(said.warnings...)
}

// forbids says that an object exceeds the limits of its namespace. As Kubernetes does, it asks that of claims always and of pods when
// they are made: afterwards nobody can change what they ask for.
func (l limits) forbids(ctx context.Context, request admission.Request, obj *unstructured.Unstructured) error {
	if request.Operation != admissionv1.Create && obj.GetKind() == "Pod" {
		return nil
	}
	exceeded, err := l.exceeded(ctx, obj)
	if err != nil || exceeded == nil {
		return err
	}
	name := cmp.Or(obj.GetName(), obj.GetGenerateName(), "Unknown")
	return apierrors.NewForbidden(schema.GroupResource{Group: request.Resource.Group, Resource: request.Resource.Resource}, name, exceeded)
}

// objectOf is the object of a request, or the response where the rules are not for it.
func objectOf(request admission.Request) (*unstructured.Unstructured, *admission.Response) {
	obj, err := unstructuredOf(request.Object)
	if err != nil {
		response := admission.Errored(http.StatusBadRequest, err)
		return nil, &response
	}
	if request.SubResource != "" || !Covers(obj.GroupVersionKind()) {
		response := admission.Allowed("")
		return nil, &response
	}
	obj.SetNamespace(request.Namespace)
	return obj, nil
}

func unstructuredOf(raw runtime.RawExtension) (*unstructured.Unstructured, error) {
	var obj unstructured.Unstructured
	if err := json.Unmarshal(raw.Raw, &obj); err != nil {
		return nil, fmt.Errorf("decoding the object of a request: %w", err)
	}
	return &obj, nil
}

// refused is the answer that carries all that an error says, field by field.
func refused(err error) admission.Response {
	var answer *apierrors.StatusError
	if !errors.As(err, &answer) {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	status := answer.Status()
	return admission.Response{AdmissionResponse: admissionv1.AdmissionResponse{Allowed: false, Result: &status}}
}
