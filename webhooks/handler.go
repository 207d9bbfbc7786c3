package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apiserver/pkg/warning"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// The paths that AddTo serves, and that config/webhook names.
const (
	DefaultPath  = "/default"
	ValidatePath = "/validate"
)

// +kubebuilder:webhook:name=default.orrery.dev,path=/default,mutating=true,failurePolicy=fail,sideEffects=None,admissionReviewVersions=v1,verbs=create;update,groups=apps.orrery.dev;autoscaling.orrery.dev;batch.orrery.dev;core.orrery.dev;discovery.orrery.dev;networking.orrery.dev;policy.orrery.dev;scheduling.orrery.dev;storage.orrery.dev,versions=*,resources=*,reinvocationPolicy=IfNeeded
// +kubebuilder:webhook:name=validate.orrery.dev,path=/validate,mutating=false,failurePolicy=fail,sideEffects=None,admissionReviewVersions=v1,verbs=create;update,groups=apps.orrery.dev;autoscaling.orrery.dev;batch.orrery.dev;core.orrery.dev;discovery.orrery.dev;networking.orrery.dev;policy.orrery.dev;scheduling.orrery.dev;storage.orrery.dev,versions=*,resources=*

// AddTo serves the rules from a manager's webhook server.
func AddTo(mgr manager.Manager) {
	server := mgr.GetWebhookServer()
	server.Register(DefaultPath, &webhook.Admission{Handler: admission.HandlerFunc(handleDefault)})
	server.Register(ValidatePath, &webhook.Admission{Handler: admission.HandlerFunc(handleValidate)})
}

func handleDefault(_ context.Context, request admission.Request) admission.Response {
	obj, response := objectOf(request)
	if response != nil {
		return *response
	}
	if err := Default(obj); err != nil {
		return refused(err)
	}
	defaulted, err := json.Marshal(obj)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	return admission.PatchResponseFromRaw(request.Object.Raw, defaulted)
}

func handleValidate(ctx context.Context, request admission.Request) admission.Response {
	obj, response := objectOf(request)
	if response != nil {
		return *response
	}
	var said collector
	ctx = warning.WithWarningRecorder(ctx, &said)
	var err error
	if request.Operation == admissionv1.Update {
		var old unstructured.Unstructured
		if err := json.Unmarshal(request.OldObject.Raw, &old); err != nil {
			return admission.Errored(http.StatusBadRequest, err)
		}
		err = ValidateUpdate(ctx, obj, &old)
	} else {
		err = ValidateCreate(ctx, obj)
	}
	if err != nil {
		return refused(err).WithWarnings(said.warnings...)
	}
	return admission.Allowed("").WithWarnings(said.warnings...)
}

// objectOf is the object of a request, or the response where the rules are not for it.
func objectOf(request admission.Request) (*unstructured.Unstructured, *admission.Response) {
	var obj unstructured.Unstructured
	if err := json.Unmarshal(request.Object.Raw, &obj); err != nil {
		response := admission.Errored(http.StatusBadRequest, err)
		return nil, &response
	}
	if request.SubResource != "" || !Covers(obj.GroupVersionKind()) {
		response := admission.Allowed("")
		return nil, &response
	}
	obj.SetNamespace(request.Namespace)
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
