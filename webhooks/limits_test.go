package webhooks

import (
	"encoding/json"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fakeclient "sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

const somePod = `
apiVersion: core.orrery.dev/v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers: [{name: web, image: "web:1"}]
`

// shopLimits are those of the namespace shop, and of another.
func shopLimits() limits {
	amount := func(cpu string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}
	}
	shop := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "limits"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{
		{Type: corev1.LimitTypeContainer, DefaultRequest: amount("100m"), Default: amount("200m"), Max: amount("1")},
		{Type: corev1.LimitTypePersistentVolumeClaim, Max: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
	}}}
	other := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "limits"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{
		{Type: corev1.LimitTypeContainer, Max: amount("1m")},
	}}}
	return limits{fakeclient.NewClientBuilder().WithObjects(shop, other).Build()}
}

func TestANewPodGetsTheRequestsAndLimitsOfItsNamespace(t *testing.T) {
	for name, c := range map[string]struct {
		operation     admissionv1.Operation
		pod           string
		request, most string
	}{
		"when it states none":            {admissionv1.Create, somePod, "100m", "200m"},
		"but for what it states":         {admissionv1.Create, strings.Replace(somePod, `"web:1"`, `"web:1", resources: {requests: {cpu: 50m}}`, 1), "50m", "200m"},
		"and not when it is changed":     {admissionv1.Update, somePod, "0", "0"},
		"and none of another namespace":  {admissionv1.Create, strings.Replace(somePod, "shop", "empty", 1), "0", "0"},
		"and not twice, if asked again ": {admissionv1.Create, strings.Replace(somePod, `"web:1"`, `"web:1", resources: {requests: {cpu: 100m}, limits: {cpu: 200m}}`, 1), "100m", "200m"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := request(t, c.pod)
			asked.Operation, asked.Namespace = c.operation, parse(t, c.pod).GetNamespace()
			response := shopLimits().handleDefault(t.Context(), asked)
			if !response.Allowed {
				t.Fatal(response.Result)
			}
			got := patched(t, asked, response).Spec.Containers[0].Resources
			if got.Requests.Cpu().String() != c.request || got.Limits.Cpu().String() != c.most {
				t.Errorf("it asks for %s, and gets at most %s, want %s and %s", got.Requests.Cpu(), got.Limits.Cpu(), c.request, c.most)
			}
		})
	}
}

// patched is the pod of a request as an answer makes it.
func patched(t *testing.T, request admission.Request, response admission.Response) corev1.Pod {
	t.Helper()
	operations, err := json.Marshal(response.Patches)
	if err != nil {
		t.Fatal(err)
	}
	patch, err := jsonpatch.DecodePatch(operations)
	if err != nil {
		t.Fatal(err)
	}
	data, err := patch.Apply(request.Object.Raw)
	if err != nil {
		t.Fatal(err)
	}
	var pod corev1.Pod
	if err := json.Unmarshal(data, &pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

func TestWhatExceedsTheLimitsOfItsNamespaceIsRefusedInKubernetesWords(t *testing.T) {
	large := strings.Replace(somePod, `"web:1"`, `"web:1", resources: {limits: {cpu: "2"}, requests: {cpu: "2"}}`, 1)
	small := strings.ReplaceAll(large, `"2"`, `"1"`)
	claim := `
apiVersion: core.orrery.dev/v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}
`
	for name, c := range map[string]struct{ manifest, resource, want string }{
		"a pod":                        {large, "pods", `pods.core.orrery.dev "web" is forbidden: maximum cpu usage per Container is 1, but limit is 2`},
		"a pod that states no limit":   {somePod, "pods", `pods.core.orrery.dev "web" is forbidden: maximum cpu usage per Container is 1.  No limit is specified`},
		"a pod that is to get a name":  {strings.Replace(large, "name: web, n", "generateName: web-, n", 1), "pods", `pods.core.orrery.dev "web-" is forbidden`},
		"not a pod that keeps to them": {small, "pods", ""},
		"a claim":                      {claim, "persistentvolumeclaims", `persistentvolumeclaims.core.orrery.dev "data" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi`},
		"not what has no limits":       {webDeployment, "deployments", ""},
	} {
		t.Run(name, func(t *testing.T) {
			asked := request(t, c.manifest)
			asked.Resource = metav1.GroupVersionResource{Group: parse(t, c.manifest).GroupVersionKind().Group, Version: "v1", Resource: c.resource}
			response := shopLimits().handleValidate(t.Context(), asked)
			switch {
			case c.want == "" && !response.Allowed:
				t.Errorf("it is refused: %v", response.Result)
			case c.want != "" && (response.Allowed || response.Result.Code != 403 || !strings.HasPrefix(response.Result.Message, c.want)):
				t.Errorf("got %v, want %q", response.Result, c.want)
			}
		})
	}
}
