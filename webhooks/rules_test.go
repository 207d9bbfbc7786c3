package webhooks

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/apis"
	admissionv1 "k8s.io/api/admission/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	fakeclient "sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	"sigs.k8s.io/yaml"
)

const webDeployment = `
apiVersion: apps.orrery.dev/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "web:1", ports: [{containerPort: 80}]}]
`

func TestThereAreRulesForEachKindWithTwoNames(t *testing.T) {
	for _, kind := range apis.Kinds() {
		if kind.GroupVersionKind(apis.Orrery) == kind.GroupVersionKind(apis.Kubernetes) {
			continue // its definition says all that holds of it
		}
		if !Covers(kind.GroupVersionKind(apis.Orrery)) {
			t.Errorf("no rules for %s", kind.GroupVersionKind(apis.Orrery))
		}
		if Covers(kind.GroupVersionKind(apis.Kubernetes)) {
			t.Errorf("%s is the API server's own: it needs no rules of ours", kind.GroupVersionKind(apis.Kubernetes))
		}
	}
}

func TestDefaultFillsInWhatTheAPIDocuments(t *testing.T) {
	obj := parse(t, webDeployment)
	obj.Object["status"] = map[string]any{"replicas": int64(2)}
	if err := Default(obj); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]any{
		"spec.replicas":                            int64(1),
		"spec.revisionHistoryLimit":                int64(10),
		"spec.progressDeadlineSeconds":             int64(600),
		"spec.strategy.type":                       "RollingUpdate",
		"spec.strategy.rollingUpdate.maxSurge":     "25%",
		"spec.template.spec.restartPolicy":         "Always",
		"spec.template.spec.schedulerName":         "default-scheduler",
		"apiVersion":                               "apps.orrery.dev/v1",
		"status.replicas":                          int64(2),
		"spec.template.metadata.creationTimestamp": nil,
		"metadata.creationTimestamp":               nil,
	} {
		got, _, err := unstructured.NestedFieldNoCopy(obj.Object, strings.Split(path, ".")...)
		if err != nil || got != want {
			t.Errorf("%s = %v (%v), want %v", path, got, err, want)
		}
	}
	containers, _, _ := unstructured.NestedSlice(obj.Object, "spec", "template", "spec", "containers")
	port := containers[0].(map[string]any)["ports"].([]any)[0].(map[string]any)
	if port["protocol"] != "TCP" {
		t.Errorf("protocol = %v, want TCP", port["protocol"])
	}
}

func TestAPodToleratesANodeInTroubleForAWhile(t *testing.T) {
	for name, c := range map[string]struct {
		tolerations string
		want        int
	}{
		"one that says nothing":             {"[]", 2},
		"one that does so for longer":       {"[{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 900}]", 2},
		"one that tolerates everything":     {"[{operator: Exists}]", 1},
		"one that tolerates something else": {"[{key: gpu, operator: Exists, effect: NoSchedule}]", 3},
	} {
		t.Run(name, func(t *testing.T) {
			pod := parse(t, `
apiVersion: core.orrery.dev/v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  tolerations: `+c.tolerations+`
  containers: [{name: web, image: "web:1"}]
`)
			for range 2 { // the second time must not add more
				if err := Default(pod); err != nil {
					t.Fatal(err)
				}
			}
			got, _, err := unstructured.NestedSlice(pod.Object, "spec", "tolerations")
			if err != nil || len(got) != c.want {
				t.Errorf("tolerations = %v (%v), want %d", got, err, c.want)
			}
		})
	}
}

func TestDefaultingTwiceChangesNothing(t *testing.T) {
	once := parse(t, webDeployment)
	if err := Default(once); err != nil {
		t.Fatal(err)
	}
	twice := once.DeepCopy()
	if err := Default(twice); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(once, twice); diff != "" {
		t.Errorf("second time (-once +twice):\n%s", diff)
	}
}

func TestAnInvalidObjectGetsKubernetesWordsUnderItsOwnName(t *testing.T) {
	for name, c := range map[string]struct {
		manifest string
		want     []string
	}{
		"a selector that does not match the template": {
			strings.Replace(webDeployment, "labels: {app: web}", "labels: {app: other}", 1),
			[]string{`Deployment.apps.orrery.dev "web" is invalid: spec.template.metadata.labels: Invalid value`, "`selector` does not match template `labels`"},
		},
		"a negative number of replicas": {
			strings.Replace(webDeployment, "spec:\n  selector", "spec:\n  replicas: -1\n  selector", 1),
			[]string{"spec.replicas: Invalid value: -1: must be greater than or equal to 0"},
		},
		"no containers": {
			strings.Replace(webDeployment, `[{name: web, image: "web:1", ports: [{containerPort: 80}]}]`, "[]", 1),
			[]string{"spec.template.spec.containers: Required value"},
		},
		"a name that no pod could have": {
			strings.Replace(webDeployment, "name: web, namespace", "name: Web_1, namespace", 1),
			[]string{`metadata.name: Invalid value: "Web_1"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := ValidateCreate(t.Context(), parse(t, c.manifest))
			if !apierrors.IsInvalid(err) {
				t.Fatalf("got %v, want an Invalid error", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to contain %q", err, want)
				}
			}
		})
	}
}

func TestAValidObjectIsAccepted(t *testing.T) {
	if err := ValidateCreate(t.Context(), parse(t, webDeployment)); err != nil {
		t.Error(err)
	}
	generated := strings.Replace(webDeployment, "name: web, namespace", "generateName: web-, namespace", 1)
	if err := ValidateCreate(t.Context(), parse(t, generated)); err != nil {
		t.Errorf("with a name that the server generates: %v", err)
	}
}

// Who may run privileged pods is said by the level of a namespace, and not by how the manager was started.
func TestAPrivilegedPodIsValid(t *testing.T) {
	pod := strings.Replace(somePod, `"web:1"`, `"web:1", imagePullPolicy: Always, terminationMessagePolicy: File, securityContext: {privileged: true}`, 1)
	if err := ValidateCreate(t.Context(), parse(t, pod)); err != nil {
		t.Error(err)
	}
}

func TestASelectorCannotChange(t *testing.T) {
	old := parse(t, webDeployment)
	changed := parse(t, strings.ReplaceAll(webDeployment, "app: web}", "app: other}"))
	err := ValidateUpdate(t.Context(), changed, old)
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "field is immutable") {
		t.Errorf("got %v, want that the field is immutable", err)
	}
}

// A Job that is a custom resource is stored without the selector that it would have.
func TestAJobWithoutASelectorCanBeChanged(t *testing.T) {
	job := func(suspended, image string) *unstructured.Unstructured {
		return parse(t, `
apiVersion: batch.orrery.dev/v1
kind: Job
metadata: {name: sum, namespace: shop, uid: "1", resourceVersion: "1"}
spec:
  suspend: `+suspended+`
  template: {spec: {restartPolicy: Never, containers: [{name: sum, image: "`+image+`"}]}}
`)
	}
	if err := ValidateCreate(t.Context(), job("true", "sum:1")); err != nil {
		t.Errorf("making it: %v", err)
	}
	if err := ValidateUpdate(t.Context(), job("false", "sum:1"), job("true", "sum:1")); err != nil {
		t.Errorf("resuming it: %v", err)
	}
	if err := ValidateUpdate(t.Context(), job("false", "sum:2"), job("false", "sum:1")); !apierrors.IsInvalid(err) {
		t.Errorf("changing its template = %v, want Invalid", err)
	}
}

func TestAPodIsBoundByItsSpecOnce(t *testing.T) {
	pod := func(node string) *unstructured.Unstructured {
		return parse(t, `
apiVersion: core.orrery.dev/v1
kind: Pod
metadata: {name: web, namespace: shop, uid: "1", resourceVersion: "1"}
spec:
  nodeName: "`+node+`"
  containers: [{name: web, image: "web:1"}]
`)
	}
	if err := ValidateUpdate(t.Context(), pod("a"), pod("")); err != nil {
		t.Errorf("binding: %v", err)
	}
	if err := ValidateUpdate(t.Context(), pod("b"), pod("a")); !apierrors.IsInvalid(err) {
		t.Errorf("moving a bound pod = %v, want Invalid", err)
	}
}

func TestAnObjectOfAnotherShapeIsABadRequest(t *testing.T) {
	obj := parse(t, webDeployment)
	obj.Object["spec"] = "nothing"
	if err := Default(obj); !apierrors.IsBadRequest(err) {
		t.Errorf("got %v, want BadRequest", err)
	}
}

func TestTheWebhooksAnswerLikeTheRules(t *testing.T) {
	handler := limits{fakeclient.NewClientBuilder().Build()}
	valid := request(t, webDeployment)
	response := handler.handleDefault(t.Context(), valid)
	if !response.Allowed || len(response.Patches) == 0 {
		t.Errorf("defaulting: allowed %t with %d patches, want some", response.Allowed, len(response.Patches))
	}
	if response := handler.handleValidate(t.Context(), valid); !response.Allowed {
		t.Errorf("a valid Deployment was refused: %v", response.Result)
	}
	invalid := request(t, strings.Replace(webDeployment, "labels: {app: web}", "labels: {app: other}", 1))
	refusal := handler.handleValidate(t.Context(), invalid)
	if refusal.Allowed || refusal.Result.Code != 422 || refusal.Result.Details.Group != "apps.orrery.dev" {
		t.Errorf("an invalid Deployment got %+v, want 422 about apps.orrery.dev", refusal.Result)
	}
	status := request(t, webDeployment)
	status.SubResource = "status"
	if response := handler.handleDefault(t.Context(), status); !response.Allowed || len(response.Patches) > 0 {
		t.Error("a status was touched")
	}
}

func request(t *testing.T, manifest string) admission.Request {
	t.Helper()
	raw, err := json.Marshal(parse(t, manifest))
	if err != nil {
		t.Fatal(err)
	}
	return admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		Operation: admissionv1.Create,
		Namespace: "shop",
		Object:    runtime.RawExtension{Raw: raw},
	}}
}

func parse(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	var obj unstructured.Unstructured
	if err := obj.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return &obj
}
