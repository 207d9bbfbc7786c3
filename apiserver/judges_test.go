package apiserver_test

import (
	"bufio"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/naming"
	"github.com/orrery-dev/orrery/internal/await"
)

// court is a server with everything that can judge a request, and its audit log.
type court struct {
	*apiserver.Server
	admin  kubernetes.Interface
	config *rest.Config
	audit  string

	mu     sync.Mutex
	called []string // what the webhooks were called for
}

func newCourt(t *testing.T) *court {
	t.Helper()
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: RequestResponse\nomitStages: [RequestReceived]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &court{audit: filepath.Join(dir, "audit.log")}
	c.Server = start(t, apiserver.Options{Ephemeral: true, TwoNames: true, Flags: []string{
		"--audit-policy-file=" + policy, "--audit-log-path=" + c.audit, "--audit-log-mode=blocking-strict",
	}})
	var err error
	if c.config, err = c.Config(identity.Admin); err != nil {
		t.Fatal(err)
	}
	c.admin = clients(t, c.Server, identity.Admin)
	return c
}

// room is a namespace with labels, and an account for its pods.
func (c *court) room(t *testing.T, labels map[string]string) string {
	t.Helper()
	ns := namespace(t, c.admin)
	found, err := c.admin.CoreV1().Namespaces().Get(t.Context(), ns, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found.Labels = labels
	if _, err := c.admin.CoreV1().Namespaces().Update(t.Context(), found, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	if _, err := c.admin.CoreV1().ServiceAccounts(ns).Create(t.Context(), account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return ns
}

// speaker is who makes requests about a kind by one of its names.
func (c *court) speaker(t *testing.T, kind string, by apis.Naming, ns, name string) *speaker {
	t.Helper()
	all := samples(t)
	return newSpeaker(t, c.config, all[slices.IndexFunc(all, func(s sampled) bool { return s.Kind.Kind == kind })], by, ns, name)
}

// create is what is answered to a create, in the words of the first name.
func (s *speaker) create(changes ...func(map[string]any)) (code int, answer map[string]any) {
	s.t.Helper()
	answer = s.do("POST", s.path(), plainJSON, s.object(changes...))
	if _, err := fmt.Sscanf(strings.Split(s.said[len(s.said)-1], "\n")[1], "%d", &code); err != nil {
		s.t.Fatal(err)
	}
	return code, answer
}

func eachName(t *testing.T, judged func(t *testing.T, by apis.Naming)) {
	for _, by := range apis.Namings() {
		t.Run("by its "+map[apis.Naming]string{apis.Kubernetes: "first", apis.Orrery: "second"}[by]+" name", func(t *testing.T) { judged(t, by) })
	}
}

func privileged(pod map[string]any) {
	spec := pod["spec"].(map[string]any)
	spec["hostPID"] = true
	spec["containers"].([]any)[0].(map[string]any)["securityContext"] = map[string]any{"privileged": true}
}

// TestWhateverJudgesARequestJudgesBothNames holds that nothing can be reached by one name that is refused by the other.
func TestWhateverJudgesARequestJudgesBothNames(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	t.Run("PodSecurity", func(t *testing.T) {
		ns := c.room(t, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
		eachName(t, func(t *testing.T, by apis.Naming) {
			code, answer := c.speaker(t, "Pod", by, ns, "root").create(privileged)
			if message := fmt.Sprint(answer["message"]); code != http.StatusForbidden || !strings.Contains(message, `violates PodSecurity "restricted`) {
				t.Errorf("a privileged pod is answered %d: %s", code, message)
			}
			s := c.speaker(t, "Pod", by, ns, "harmless-"+string(by))
			if code, answer := s.create(restricted); code != http.StatusCreated {
				t.Fatal(code, answer)
			}
			answer = s.do("PATCH", s.path(s.name, "ephemeralcontainers"), strategicPatch, `{"spec":{"ephemeralContainers":[{"name":"debug","image":"x","securityContext":{"privileged":true}}]}}`)
			if message := fmt.Sprint(answer["message"]); !strings.Contains(message, `violates PodSecurity "restricted`) {
				t.Errorf("a privileged container that is added to a pod is answered %s", message)
			}
		})
	})
	t.Run("ResourceQuota", func(t *testing.T) {
		ns := c.room(t, nil)
		one := corev1.ResourceList{"count/deployments.apps": resource.MustParse("0")}
		quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "none"}, Spec: corev1.ResourceQuotaSpec{Hard: one}}
		created, err := c.admin.CoreV1().ResourceQuotas(ns).Create(t.Context(), quota, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		created.Status = corev1.ResourceQuotaStatus{Hard: one, Used: one}
		if _, err := c.admin.CoreV1().ResourceQuotas(ns).UpdateStatus(t.Context(), created, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		eachName(t, func(t *testing.T, by apis.Naming) {
			s := c.speaker(t, "Deployment", by, ns, "web")
			await.Until(t, "a refusal by the quota", func() (string, bool) { // its informer may be behind
				code, answer := s.create()
				message := fmt.Sprint(answer["message"])
				if code == http.StatusCreated {
					s.do("DELETE", s.path(s.name), "", "")
				}
				return message, code == http.StatusForbidden && strings.Contains(message, "exceeded quota: none")
			})
		})
	})
	t.Run("ResourceQuota, on an update", func(t *testing.T) {
		ns := c.room(t, nil)
		none := corev1.ResourceList{corev1.ResourceServicesNodePorts: resource.MustParse("0")}
		quota, err := c.admin.CoreV1().ResourceQuotas(ns).Create(t.Context(), &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "no-ports"}, Spec: corev1.ResourceQuotaSpec{Hard: none}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		quota.Status = corev1.ResourceQuotaStatus{Hard: none, Used: none}
		if _, err := c.admin.CoreV1().ResourceQuotas(ns).UpdateStatus(t.Context(), quota, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		eachName(t, func(t *testing.T, by apis.Naming) {
			s := c.speaker(t, "Service", by, ns, "web-"+string(by))
			if code, answer := s.create(func(service map[string]any) { service["spec"].(map[string]any)["type"] = "ClusterIP" }); code != http.StatusCreated {
				t.Fatal(code, answer)
			}
			await.Until(t, "a refusal by the quota", func() (string, bool) { // its informer may be behind
				answer := s.do("PATCH", s.path(s.name), mergePatch, `{"spec":{"type":"NodePort"}}`)
				message := fmt.Sprint(answer["message"])
				if answer["status"] != "Failure" {
					s.do("PATCH", s.path(s.name), mergePatch, `{"spec":{"type":"ClusterIP"}}`)
				}
				return message, strings.Contains(message, "exceeded quota: no-ports")
			})
		})
	})
	t.Run("LimitRange", func(t *testing.T) {
		ns := c.room(t, nil)
		limits := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "limits"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
			Type: corev1.LimitTypeContainer, Default: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("48Mi")},
		}}}}
		if _, err := c.admin.CoreV1().LimitRanges(ns).Create(t.Context(), limits, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		eachName(t, func(t *testing.T, by apis.Naming) {
			s := c.speaker(t, "Pod", by, ns, "limited-"+string(by))
			await.Until(t, "a limit of 48Mi", func() (string, bool) {
				s.do("DELETE", s.path(s.name)+"?gracePeriodSeconds=0", "", "")
				_, answer := s.create()
				text, err := json.Marshal(answer["spec"])
				return string(text), err == nil && strings.Contains(string(text), `"limits":{"memory":"48Mi"}`)
			})
		})
	})
	t.Run("policies", c.policies)
	t.Run("webhooks", c.webhooks)
	t.Run("RBAC", c.rights)
	t.Run("the audit log", c.log)
}

// policies: a ValidatingAdmissionPolicy and a MutatingAdmissionPolicy, each about Deployments by their first name.
func (c *court) policies(t *testing.T) {
	ns := c.room(t, map[string]string{"court": "policies"})
	here := &metav1.LabelSelector{MatchLabels: map[string]string{"court": "policies"}}
	deployments := admissionregistrationv1.NamedRuleWithOperations{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{"apps"}, APIVersions: []string{"v1"}, Resources: []string{"deployments"}},
	}}
	match := &admissionregistrationv1.MatchResources{NamespaceSelector: here, ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{deployments}}
	registry := c.admin.AdmissionregistrationV1()
	if _, err := registry.ValidatingAdmissionPolicies().Create(t.Context(), &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "few"},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{MatchConstraints: match, Validations: []admissionregistrationv1.Validation{
			{Expression: "object.spec.replicas < 5 && object.apiVersion == 'apps/v1'", Message: "too many for this court"},
		}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.ValidatingAdmissionPolicyBindings().Create(t.Context(), &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "few"},
		Spec:       admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: "few", ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.MutatingAdmissionPolicies().Create(t.Context(), &admissionregistrationv1.MutatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "mark"},
		Spec: admissionregistrationv1.MutatingAdmissionPolicySpec{MatchConstraints: match, ReinvocationPolicy: admissionregistrationv1.NeverReinvocationPolicy, Mutations: []admissionregistrationv1.Mutation{{
			PatchType:          admissionregistrationv1.PatchTypeApplyConfiguration,
			ApplyConfiguration: &admissionregistrationv1.ApplyConfiguration{Expression: `Object{metadata: Object.metadata{labels: {"judged": "yes"}}}`},
		}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.MutatingAdmissionPolicyBindings().Create(t.Context(), &admissionregistrationv1.MutatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "mark"}, Spec: admissionregistrationv1.MutatingAdmissionPolicyBindingSpec{PolicyName: "mark"},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eachName(t, func(t *testing.T, by apis.Naming) {
		s := c.speaker(t, "Deployment", by, ns, "web-"+string(by))
		many := func(object map[string]any) { object["spec"].(map[string]any)["replicas"] = 5 }
		await.Until(t, "a refusal by the policy", func() (string, bool) {
			code, answer := s.create(many)
			if code == http.StatusCreated {
				s.do("DELETE", s.path(s.name), "", "")
			}
			message := fmt.Sprint(answer["message"])
			return message, code == http.StatusUnprocessableEntity && strings.Contains(message, "too many for this court")
		})
		await.Until(t, "the label that the other policy gives", func() (string, bool) {
			s.do("DELETE", s.path(s.name), "", "")
			_, answer := s.create()
			metadata, _ := answer["metadata"].(map[string]any)
			labels, _ := metadata["labels"].(map[string]any)
			return fmt.Sprint(answer), labels["judged"] == "yes"
		})
	})
}

// webhooks: one that mutates and one that validates, each about pods by their first name.
func (c *court) webhooks(t *testing.T) {
	ns := c.room(t, map[string]string{"court": "webhooks"})
	hook := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review admissionv1.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			t.Error(err)
			return
		}
		c.mu.Lock()
		c.called = append(c.called, fmt.Sprintf("%s %s/%s %s", r.URL.Path, review.Request.Resource.Group, review.Request.Resource.Version, review.Request.Resource.Resource))
		c.mu.Unlock()
		review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
		if r.URL.Path == "/mutate" {
			review.Response.PatchType = ptr.To(admissionv1.PatchTypeJSONPatch)
			review.Response.Patch = []byte(`[{"op":"add","path":"/metadata/annotations","value":{"court":"was here"}}]`)
		}
		review.Request = nil
		if err := json.NewEncoder(w).Encode(review); err != nil {
			t.Error(err)
		}
	}))
	defer hook.Close()
	trusted := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hook.TLS.Certificates[0].Certificate[0]})
	to := func(path string) admissionregistrationv1.WebhookClientConfig {
		return admissionregistrationv1.WebhookClientConfig{URL: ptr.To(hook.URL + path), CABundle: trusted}
	}
	rules := []admissionregistrationv1.RuleWithOperations{{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
	}}
	here := &metav1.LabelSelector{MatchLabels: map[string]string{"court": "webhooks"}}
	none := admissionregistrationv1.SideEffectClassNone
	registry := c.admin.AdmissionregistrationV1()
	if _, err := registry.MutatingWebhookConfigurations().Create(t.Context(), &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "court"}, Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: "mutate.court.example", ClientConfig: to("/mutate"), Rules: rules, NamespaceSelector: here, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.ValidatingWebhookConfigurations().Create(t.Context(), &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "court"}, Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "validate.court.example", ClientConfig: to("/validate"), Rules: rules, NamespaceSelector: here, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eachName(t, func(t *testing.T, by apis.Naming) {
		s := c.speaker(t, "Pod", by, ns, "web-"+string(by))
		await.Until(t, "the webhooks' calls and annotation", func() (string, bool) {
			s.do("DELETE", s.path(s.name)+"?gracePeriodSeconds=0", "", "")
			c.mu.Lock()
			c.called = nil
			c.mu.Unlock()
			_, answer := s.create()
			metadata, _ := answer["metadata"].(map[string]any)
			annotations, _ := metadata["annotations"].(map[string]any)
			c.mu.Lock()
			defer c.mu.Unlock()
			return fmt.Sprint(c.called, answer), annotations["court"] == "was here" &&
				slices.Equal(c.called, []string{"/mutate /v1 pods", "/validate /v1 pods"})
		})
	})
}

// rights: who may do something by the first name may do it by the second, and nobody else may.
func (c *court) rights(t *testing.T) {
	ns := c.room(t, nil)
	may := func(user, group string) {
		t.Helper()
		role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: user}, Rules: []rbacv1.PolicyRule{{APIGroups: []string{group}, Resources: []string{"deployments"}, Verbs: []string{"*"}}}}
		if _, err := c.admin.RbacV1().Roles(ns).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		binding := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: user}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
		}
		if _, err := c.admin.RbacV1().RoleBindings(ns).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	may("of-the-first", "apps")
	may("of-the-second", "apps.orrery.dev")
	for _, test := range []struct {
		user string
		want int
	}{{"of-the-first", http.StatusCreated}, {"of-the-second", http.StatusForbidden}, {"of-none", http.StatusForbidden}} {
		eachName(t, func(t *testing.T, by apis.Naming) {
			s := c.speaker(t, "Deployment", by, ns, test.user+"-"+string(by))
			as := rest.CopyConfig(c.config)
			as.Impersonate.UserName = test.user
			client, err := rest.HTTPClientFor(as)
			if err != nil {
				t.Fatal(err)
			}
			s.client = client
			await.Until(t, fmt.Sprint(test.user, " is answered ", test.want), func() (string, bool) {
				code, answer := s.create()
				return fmt.Sprint(code, answer["message"]), code == test.want
			})
			group := s.kind.GroupVersionResource(by).Group
			review, err := c.admin.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: test.user, ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: ns, Verb: "create", Group: group, Resource: "deployments"},
			}}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if review.Status.Allowed != (test.want == http.StatusCreated) {
				t.Errorf("whether %s may create deployments.%s is answered %t", test.user, group, review.Status.Allowed)
			}
		})
	}
}

// log: a request by the second name is told by the first, and says by which it came; also one that is refused.
func (c *court) log(t *testing.T) {
	ns := c.room(t, nil)
	s := c.speaker(t, "Pod", apis.Orrery, ns, "told")
	s.create()
	refused := c.speaker(t, "Pod", apis.Orrery, ns, "untold")
	as := rest.CopyConfig(c.config)
	as.Impersonate.UserName = "nobody"
	client, err := rest.HTTPClientFor(as)
	if err != nil {
		t.Fatal(err)
	}
	refused.client = client
	refused.create()
	file, err := os.Open(c.audit)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}()
	type event struct {
		RequestURI     string
		ResponseStatus struct{ Code int }
		Annotations    map[string]string
	}
	told := map[int]string{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(e.RequestURI, ns+"/pods") {
			told[e.ResponseStatus.Code] = e.RequestURI + " " + e.Annotations[naming.AuditAnnotation]
		}
	}
	want := "/api/v1/namespaces/" + ns + "/pods core.orrery.dev/v1"
	if told[http.StatusCreated] != want || told[http.StatusForbidden] != want {
		t.Errorf("the audit log tells %v, want %s of both", told, want)
	}
}
