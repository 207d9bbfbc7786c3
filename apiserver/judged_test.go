package apiserver_test

import (
	"bufio"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/naming"
	"github.com/orrery-dev/orrery/internal/await"
)

// everyRule matches every request that admission sees.
func everyRule() admissionregistrationv1.RuleWithOperations {
	return admissionregistrationv1.RuleWithOperations{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.OperationAll},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{"*"}, APIVersions: []string{"*"}, Resources: []string{"*/*"}},
	}
}

// witness is a webhook that writes down, by resource, all that it is asked.
type witness struct {
	mu   sync.Mutex
	seen map[string][]question
}

// question is what a webhook was asked.
type question struct {
	path    string
	request *admissionv1.AdmissionRequest
	text    string
}

// String is what of it does not depend on how often the server tried, with objects that it took for the newest.
func (q question) String() string {
	r := q.request
	return fmt.Sprint(q.path, " ", r.Operation, " of ", r.Resource, " ", r.SubResource, ", asked as ", *r.RequestKind, " ", *r.RequestResource, " ", r.RequestSubResource, " by ", r.UserInfo.Username, ", dry run ", *r.DryRun)
}

func (w *witness) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var review admissionv1.AdmissionReview
	if err == nil {
		err = json.Unmarshal(body, &review)
	}
	if err != nil {
		http.Error(to, err.Error(), http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	w.seen[review.Request.Resource.Resource] = append(w.seen[review.Request.Resource.Resource], question{r.URL.Path, review.Request, string(body)})
	w.mu.Unlock()
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	if r.URL.Path == "/mutate" && review.Request.Operation == admissionv1.Create && review.Request.SubResource == "" {
		review.Response.PatchType = ptr.To(admissionv1.PatchTypeJSONPatch)
		review.Response.Patch = []byte(`[{"op":"add","path":"/metadata/annotations","value":{"court":"was here"}}]`)
	}
	answered := review
	answered.Request = nil
	_ = json.NewEncoder(to).Encode(answered) // the server will say what it misses
}

// told takes what was seen of a resource.
func (w *witness) told(resource string) []question {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen[resource]
	delete(w.seen, resource)
	return seen
}

// call has the witness asked about everything in namespaces with a label, and of cluster-wide objects.
func (w *witness) call(t *testing.T, c *court) {
	t.Helper()
	hook := httptest.NewTLSServer(w)
	t.Cleanup(hook.Close)
	trusted := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hook.TLS.Certificates[0].Certificate[0]})
	rules, none := []admissionregistrationv1.RuleWithOperations{everyRule()}, admissionregistrationv1.SideEffectClassNone
	to := func(path string) admissionregistrationv1.WebhookClientConfig {
		return admissionregistrationv1.WebhookClientConfig{URL: ptr.To(hook.URL + path), CABundle: trusted}
	}
	only := []admissionregistrationv1.MatchCondition{{Name: "the-walk", Expression: "request.userInfo.username == 'walker'"}}
	if _, err := c.admin.AdmissionregistrationV1().MutatingWebhookConfigurations().Create(t.Context(), &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "witness"}, Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: "mutate.witness.example", ClientConfig: to("/mutate"), Rules: rules, MatchConditions: only, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.admin.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(t.Context(), &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "witness"}, Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "validate.witness.example", ClientConfig: to("/validate"), Rules: rules, MatchConditions: only, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	probe := c.speaker(t, "IngressClass", apis.Kubernetes, "", "probe")
	probe.client = c.clientOf(t, "walker")
	await.Until(t, "both webhooks to be asked", func() (string, bool) {
		probe.do("POST", probe.path()+"?dryRun=All", plainJSON, probe.object())
		seen := w.told("ingressclasses")
		return fmt.Sprint(seen, probe.said[len(probe.said)-1]), len(seen) == 2
	})
}

// clientOf is a client of somebody else, who has all rights if they are the walker.
func (c *court) clientOf(t *testing.T, user string) *http.Client {
	t.Helper()
	as := rest.CopyConfig(c.config)
	as.Impersonate.UserName = user
	if user == "walker" {
		as.Impersonate.Groups = []string{"system:masters"}
	}
	client, err := rest.HTTPClientFor(as)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// written is what a person wrote into a HorizontalPodAutoscaler.
var written = regexp.MustCompile(`"scaleTargetRef":\{[^}]*\}`)

// namesSecond reports that a text names a group by its second name, but where a person wrote it.
func namesSecond(text string) bool {
	text = written.ReplaceAllString(text, "")
	for _, kind := range apis.Kinds() {
		if strings.Contains(text, kind.GroupVersionKind(apis.Orrery).Group) {
			return true
		}
	}
	return false
}

// TestBothNamesAreSeenAlike walks every kind, verb and subresource by either name, and compares what two webhooks were asked
// and what the audit log tells, request by request: by the second name it is word for word what it is by the first.
func TestBothNamesAreSeenAlike(t *testing.T) {
	t.Parallel()
	c, w := newCourt(t), &witness{seen: map[string][]question{}}
	w.call(t, c)
	walks := map[string]*speaker{}
	var mu sync.Mutex
	t.Run("webhooks", func(t *testing.T) {
		for _, kind := range samples(t) {
			t.Run(kind.Kind.Kind, func(t *testing.T) {
				t.Parallel()
				var asked [][]string
				kind.walk(t, c.config, map[string]string{"pod-security.kubernetes.io/warn": "restricted"}, func(s *speaker) {
					s.client, s.agent = c.clientOf(t, "walker"), "walker/"+kind.Kind.Kind+" by "+string(s.naming) // the manager is what stands before the slash
					s.everything()
					var plain []string
					for _, one := range w.told(kind.Resource) {
						if namesSecond(one.text) {
							t.Errorf("a webhook is asked by the second name: %s", one.text)
						}
						plain = append(plain, one.String())
					}
					slices.SortStableFunc(plain, func(a, b string) int { return strings.Compare(a[:2], b[:2]) }) // by webhook
					asked = append(asked, slices.Compact(plain))
					mu.Lock()
					walks[s.agent] = s
					mu.Unlock()
				})
				if diff := cmp.Diff(asked[0], asked[1]); diff != "" {
					t.Errorf("webhooks are asked otherwise (-first +second):\n%s", diff)
				}
				if len(asked[0]) < 10 {
					t.Errorf("webhooks are asked only %d times", len(asked[0]))
				}
			})
		}
	})
	told := c.told(t)
	for _, agent := range slices.Sorted(maps.Keys(walks)) {
		kind, by, _ := strings.Cut(agent, " by ")
		if by != string(apis.Orrery) {
			continue
		}
		t.Run("the audit log about "+strings.TrimPrefix(kind, "walker/"), func(t *testing.T) {
			byFirst := kind + " by " + string(apis.Kubernetes)
			first, second := told.of(t, walks[byFirst]), told.of(t, walks[agent])
			if diff := cmp.Diff(first, second); diff != "" {
				t.Errorf("the audit log tells otherwise (-first +second):\n%s", diff)
			}
			if len(first) < 40 {
				t.Errorf("the audit log tells of %d requests", len(first))
			}
		})
	}
}

// auditLog are the events of an audit log by who asked.
type auditLog map[string][]map[string]any

func (c *court) told(t *testing.T) auditLog {
	t.Helper()
	file, err := os.Open(c.audit)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	log := auditLog{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var event map[string]any
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			t.Fatal(err)
		}
		agent, _ := event["userAgent"].(string)
		log[agent] = append(log[agent], event)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return log
}

// of is what the log tells of a walk, in the words of the first name. Of a walk by the second name each event has to say so.
func (l auditLog) of(t *testing.T, s *speaker) []string {
	t.Helper()
	var told []string
	for _, event := range l[s.agent] {
		annotations, _ := event["annotations"].(map[string]any)
		want := ""
		if s.naming == apis.Orrery {
			want = s.kind.GroupVersionKind(apis.Orrery).GroupVersion().String()
		}
		if asked, _ := annotations[naming.AuditAnnotation].(string); asked != want {
			t.Errorf("%v is told to have been asked as %q, want %q", event["requestURI"], asked, want)
		}
		delete(annotations, naming.AuditAnnotation)
		maps.DeleteFunc(annotations, func(name string, _ any) bool {
			return strings.HasPrefix(name, "apiserver.latency.k8s.io/") || strings.Contains(name, ".webhook.admission.k8s.io/")
		})
		delete(event, "userAgent")
		delete(event, "sourceIPs")
		data, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		if namesSecond(string(data)) {
			t.Errorf("the audit log names the second name: %s", data)
		}
		told = append(told, s.plain(ordered(data)))
	}
	return told
}

// TestBothNamesAreLetInAlike walks verbs and subresources by either name as somebody who has some rights, and compares what
// is answered.
func TestBothNamesAreLetInAlike(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	all := samples(t)
	for user, rule := range map[string]rbacv1.PolicyRule{
		"nobody":      {},
		"reader":      {APIGroups: []string{"", "apps"}, Resources: []string{"*"}, Verbs: []string{"get", "list", "watch"}},
		"creator":     {APIGroups: []string{"", "apps"}, Resources: []string{"pods", "deployments", "nodes"}, Verbs: []string{"create", "get", "deletecollection"}},
		"patcher":     {APIGroups: []string{"", "apps"}, Resources: []string{"pods", "deployments", "nodes"}, Verbs: []string{"create", "patch"}},
		"reporter":    {APIGroups: []string{"", "apps"}, Resources: []string{"*/status", "deployments/scale", "pods/exec"}, Verbs: []string{"*"}},
		"second-only": {APIGroups: []string{"core.orrery.dev", "apps.orrery.dev"}, Resources: []string{"*"}, Verbs: []string{"*"}},
	} {
		t.Run(user, func(t *testing.T) {
			c.allow(t, user, rule)
			for _, kind := range []string{"Pod", "Deployment", "Node"} {
				k := all[slices.IndexFunc(all, func(s sampled) bool { return s.Kind.Kind == kind })]
				k.walk(t, c.config, nil, func(s *speaker) {
					s.client = c.clientOf(t, user)
					s.everything()
					forbidden := 0
					for _, said := range s.said {
						if strings.Contains(said, "\n403 ") {
							forbidden++
						}
					}
					if none := user == "nobody" || user == "second-only"; forbidden == 0 || none != (forbidden == len(s.said)) {
						t.Errorf("of %d requests for a %s, %d are forbidden to a %s", len(s.said), kind, forbidden, user)
					}
				})
			}
		})
	}
}

// allow gives somebody rights everywhere, and waits until they have them.
func (c *court) allow(t *testing.T, user string, rule rbacv1.PolicyRule) {
	t.Helper()
	if len(rule.Verbs) == 0 {
		return
	}
	// The last of the rules is only there to be seen.
	seen := rbacv1.PolicyRule{NonResourceURLs: []string{"/seen"}, Verbs: []string{"get"}}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: user}, Rules: []rbacv1.PolicyRule{rule, seen}}
	if _, err := c.admin.RbacV1().ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	if _, err := c.admin.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	client := c.clientOf(t, user)
	await.Until(t, "the rights to be known", func() (string, bool) {
		response, err := client.Get(c.config.Host + "/seen")
		if err != nil {
			return err.Error(), false
		}
		_ = response.Body.Close()
		return response.Status, response.StatusCode == http.StatusNotFound
	})
}

// TestBothNamesArePolicedAlike walks verbs and subresources by either name under policies about every operation: some are
// refused, with all that a policy can know of the request in the message, and the others are changed.
func TestBothNamesArePolicedAlike(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	here := &metav1.LabelSelector{MatchLabels: map[string]string{"policed": "yes"}}
	match := &admissionregistrationv1.MatchResources{NamespaceSelector: here, ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: everyRule()}}}
	registry := c.admin.AdmissionregistrationV1()
	fail := admissionregistrationv1.Fail
	validating := &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "strict"},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{MatchConstraints: match, FailurePolicy: &fail, Validations: []admissionregistrationv1.Validation{{
			Expression: `(request.operation == 'CREATE' || request.operation == 'UPDATE') && (!has(request.subResource) || request.subResource in ['', 'resize']) ||
				has(request.dryRun) && request.dryRun`,
			MessageExpression: strings.Join([]string{
				`'refused: ' + request.operation + ' of ' + request.resource.group + '/' + request.resource.version + ' ' + request.resource.resource`,
				`(has(request.subResource) ? '/' + request.subResource : '')`,
				`' asked as ' + request.requestResource.group + ' ' + request.requestKind.group`,
				`' of ' + (object != null && has(object.apiVersion) ? object.apiVersion + ' ' + object.kind : 'nothing')`,
				`' that was ' + (oldObject != null && has(oldObject.apiVersion) ? oldObject.apiVersion + ' ' + oldObject.kind : 'nothing')`,
			}, " + "),
		}}},
	}
	if _, err := registry.ValidatingAdmissionPolicies().Create(t.Context(), validating, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.ValidatingAdmissionPolicyBindings().Create(t.Context(), &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "strict"},
		Spec:       admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: "strict", ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny, admissionregistrationv1.Audit}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	changed := match.DeepCopy()
	changed.ResourceRules[0].Operations = []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update}
	changed.ResourceRules[0].Resources = []string{"pods", "deployments"}
	if _, err := registry.MutatingAdmissionPolicies().Create(t.Context(), &admissionregistrationv1.MutatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "mark"},
		Spec: admissionregistrationv1.MutatingAdmissionPolicySpec{MatchConstraints: changed, ReinvocationPolicy: admissionregistrationv1.NeverReinvocationPolicy, Mutations: []admissionregistrationv1.Mutation{{
			PatchType:          admissionregistrationv1.PatchTypeApplyConfiguration,
			ApplyConfiguration: &admissionregistrationv1.ApplyConfiguration{Expression: `Object{metadata: Object.metadata{labels: {"marked": request.operation + "-" + object.kind}}}`},
		}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.MutatingAdmissionPolicyBindings().Create(t.Context(), &admissionregistrationv1.MutatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "mark"}, Spec: admissionregistrationv1.MutatingAdmissionPolicyBindingSpec{PolicyName: "mark"},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	all := samples(t)
	for _, kind := range []string{"Pod", "Deployment"} {
		t.Run(kind, func(t *testing.T) {
			k := all[slices.IndexFunc(all, func(s sampled) bool { return s.Kind.Kind == kind })]
			k.walk(t, c.config, map[string]string{"policed": "yes"}, func(s *speaker) {
				probe := c.speaker(t, kind, apis.Kubernetes, s.namespace, "probe")
				await.Until(t, "the policies to be in force", func() (string, bool) {
					// Once deletions are refused, what was made without a mark would stay without one.
					marked := fmt.Sprint(probe.do("POST", probe.path()+"?dryRun=All", plainJSON, probe.object())["metadata"])
					if !strings.Contains(marked, "CREATE-"+kind) {
						return marked, false
					}
					probe.do("POST", probe.path(), plainJSON, probe.object())
					refused := fmt.Sprint(probe.do("DELETE", probe.path("probe")+"?gracePeriodSeconds=0", "", "")["message"])
					return refused, strings.Contains(refused, "refused: DELETE")
				})
				s.everything()
				said := strings.Join(s.said, "\n")
				for _, want := range []string{"refused: DELETE", "refused: UPDATE", "UPDATE-" + kind} {
					if !strings.Contains(said, want) {
						t.Errorf("nothing tells %q", want)
					}
				}
				if kind == "Pod" && !strings.Contains(said, "refused: CONNECT") {
					t.Error("nothing is refused to be connected to")
				}
			})
		})
	}
}
