package apiserver_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/etcd"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/await"
)

// burglar tries to get past what judges requests. It writes requests byte by byte, as no client would.
type burglar struct {
	*court
	store string // where etcd is
	ns    string // what mallory owns, under PodSecurity's restricted
}

func newBurglar(t *testing.T) *burglar {
	t.Helper()
	store, err := etcd.Start(t.Context(), etcd.Options{Dir: t.TempDir(), Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Stop(); err != nil {
			t.Error(err)
		}
	})
	server := start(t, apiserver.Options{Ephemeral: true, TwoNames: true, Etcd: &apiserver.ExternalEtcd{Endpoints: []string{store.Endpoint()}}})
	config, err := server.Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	b := &burglar{court: &court{Server: server, config: config, admin: clients(t, server, identity.Admin)}, store: store.Endpoint()}
	b.ns = b.room(t, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "owner"}, Rules: []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}}}
	if _, err := b.admin.RbacV1().Roles(b.ns).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "owner"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "owner"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "mallory"}},
	}
	if _, err := b.admin.RbacV1().RoleBindings(b.ns).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return b
}

// say writes a request as it is given, as an impersonated user, and returns what is answered.
func (b *burglar) say(t *testing.T, who *rest.Config, user, method, target, headers, body string) (code int, said string) {
	t.Helper()
	trust, err := rest.TLSConfigFor(who)
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(b.config.Host, "https://")
	conn, err := tls.Dial("tcp", host, trust)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if user != "" {
		headers += "Impersonate-User: " + user + "\r\n"
	}
	if err := conn.SetDeadline(time.Now().Add(await.Deadline)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n%s", method, target, host, len(body), headers, body); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	response, err := http.ReadResponse(answers, nil)
	for err == nil && response.StatusCode == http.StatusContinue {
		response, err = http.ReadResponse(answers, nil)
	}
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(data)
}

// stored are the keys in etcd that begin with a prefix.
func (b *burglar) stored(t *testing.T, prefix string) []string {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{b.store}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}()
	found, err := client.Get(t.Context(), prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, kv := range found.Kvs {
		keys = append(keys, string(kv.Key))
	}
	return keys
}

// spelledOtherwise are ways to spell the place of the pods of a namespace by their second name.
func spelledOtherwise(host, ns string) []string {
	pods := "/namespaces/" + ns + "/pods"
	const group = "/apis/core.orrery.dev/v1"
	return []string{
		group + pods, group + pods + "/", group + pods + "//", group + pods + "?", group + pods + "?a=/../b", group + pods + "#x", group + pods + ";a=b",
		"/" + group + pods, "//" + group + pods, "/apis//core.orrery.dev/v1" + pods, "/apis/core.orrery.dev//v1" + pods, group + "/" + pods,
		group + "/namespaces//" + ns + "/pods", group + "/namespaces/" + ns + "//pods", group + "/namespaces/" + ns + "/./pods",
		"/./apis/core.orrery.dev/v1" + pods, "/apis/./core.orrery.dev/v1" + pods, "/x/.." + group + pods, "/apis/apps/v1/../../core.orrery.dev/v1" + pods,
		"/apis/apps.orrery.dev/../core.orrery.dev/v1" + pods, "/x/%2e%2e" + group + pods, "/apis/x/%2E%2E/core.orrery.dev/v1" + pods, "/api/v1/%2e%2e/%2e%2e" + group + pods,
		"/apis%2Fcore.orrery.dev/v1" + pods, "/apis/core.orrery.dev%2Fv1" + pods, "/%61pis/core.orrery.dev/v1" + pods, "/apis/core%2Eorrery.dev/v1" + pods,
		group + "/namespaces/" + ns + "/p%6Fds", group + "/namespaces/" + ns + "%2Fpods", group + pods + "%2F", group + pods + "%00", group + pods + "%20", group + pods + "%0a",
		"/APIS/core.orrery.dev/v1" + pods, "/apis/CORE.ORRERY.DEV/v1" + pods, "/apis/Core.orrery.dev/v1" + pods, "/apis/core.orrery.dev./v1" + pods,
		"/apis/core.orrery.dev/V1" + pods, "/apis/core.orrery.dev/v2" + pods, "/apis/core.orrery.dev/v1beta1" + pods, "/apis/core.orrery.dev" + pods,
		group + "/namespaces/" + ns + "/Pods", group + "/namespaces/" + ns + "/pod", group + "/namespaces/" + ns + "/po", group + "/namespaces/" + ns + "/opo",
		group + "/proxy" + pods, group + "/watch" + pods, group + "/watch/watch" + pods, group + "/proxy/watch" + pods, group + "/redirect" + pods,
		"https://" + host + group + pods, "http://elsewhere" + group + pods, "/api/core.orrery.dev/v1" + pods, "/api/v1" + group + pods, `/apis\core.orrery.dev\v1` + pods,
	}
}

func TestNothingIsReachedBySpellingASecondNameOtherwise(t *testing.T) {
	t.Parallel()
	b := newBurglar(t)
	host := strings.TrimPrefix(b.config.Host, "https://")
	s := b.speaker(t, "Pod", apis.Orrery, b.ns, "bypass")
	harmless, harmful := s.object(restricted), s.object(privileged)
	pods := "/apis/core.orrery.dev/v1/namespaces/" + b.ns + "/pods"
	const asJSON = "Content-Type: application/json\r\n"
	await.Until(t, "mallory can make a harmless pod, and none that is privileged", func() (string, bool) {
		code, said := b.say(t, b.config, "mallory", "POST", pods+"?dryRun=All", asJSON, harmless)
		bad, alsoSaid := b.say(t, b.config, "mallory", "POST", pods, asJSON, harmful)
		return said + alsoSaid, code == http.StatusCreated && bad == http.StatusForbidden
	})
	if code, said := b.say(t, b.config, "mallory", "POST", pods, asJSON, strings.ReplaceAll(harmless, "bypass", "known")); code != http.StatusCreated {
		t.Fatal(code, said)
	}

	for _, target := range spelledOtherwise(host, b.ns) {
		for _, method := range []string{"POST", "PUT", "PATCH"} {
			if code, said := b.say(t, b.config, "mallory", method, target, asJSON, harmful); code < 400 {
				t.Errorf("%s %s is answered %d: %s", method, target, code, said)
			}
		}
		if _, said := b.say(t, b.config, "nobody", "GET", target, "", ""); strings.Contains(said, "known") && !strings.Contains(said, "forbidden") {
			t.Errorf("GET %s tells somebody without rights: %s", target, said)
		}
	}
	gzipped := "Content-Encoding: gzip\r\n"
	for _, headers := range []string{
		"", "Content-Type: application/yaml\r\n", "Content-Type: text/plain\r\n", "Content-Type: application/json; charset=utf-16\r\n", "Content-Type: application/cbor\r\n",
		"Content-Type: application/vnd.kubernetes.protobuf\r\n", "Content-Type: application/json\r\nContent-Type: application/cbor\r\n", "Content-Type: ;\r\n", asJSON + gzipped,
		asJSON + "X-HTTP-Method-Override: PUT\r\n", asJSON + "X-Original-URL: /api/v1/pods\r\n", asJSON + "X-Forwarded-Uri: /api\r\n", asJSON + "X-Remote-User: admin\r\nX-Remote-Group: system:masters\r\n",
		asJSON + "Upgrade: websocket\r\n", asJSON + "Expect: 100-continue\r\n",
	} {
		for name, body := range map[string]string{
			"by the second name":      harmful,
			"by the first":            strings.ReplaceAll(harmful, "core.orrery.dev/v1", "v1"),
			"of another version":      strings.ReplaceAll(harmful, "core.orrery.dev/v1", "core.orrery.dev/v2"),
			"of another group":        strings.ReplaceAll(harmful, "core.orrery.dev/v1", "apps/v1"),
			"of no version":           strings.ReplaceAll(harmful, `"apiVersion":"core.orrery.dev/v1",`, ""),
			"of two versions":         strings.Replace(harmful, "{", `{"apiVersion":"v1",`, 1),
			"with an escaped version": strings.ReplaceAll(harmful, "core.orrery.dev/v1", `\u0063ore.orrery.dev/v1`),
			"in a list":               `{"apiVersion":"core.orrery.dev/v1","kind":"PodList","items":[` + harmful + `]}`,
		} {
			if code, said := b.say(t, b.config, "mallory", "POST", pods, headers, body); code < 400 {
				t.Errorf("a body %s with %q is answered %d: %s", name, headers, code, said)
			}
		}
	}
	for _, query := range []string{"dryRun=", "fieldValidation=Ignore", "fieldManager=x", "pretty=true", "apiVersion=v1", "resourceVersion=0", "force=true"} {
		if code, said := b.say(t, b.config, "mallory", "POST", pods+"?"+query, asJSON, harmful); code < 400 {
			t.Errorf("with the query %s it is answered %d: %s", query, code, said)
		}
	}
	b.nothingStored(t)
}

// nothingStored holds that no second name has objects of its own, and that there is no pod but the known one.
func (b *burglar) nothingStored(t *testing.T) {
	t.Helper()
	for _, kind := range apis.Kinds() {
		for _, prefix := range []string{"/registry/", "/registry/" + kind.Resource + "/"} {
			if keys := b.stored(t, prefix+kind.GroupVersionResource(apis.Orrery).Group+"/"); len(keys) > 0 {
				t.Errorf("there are objects of a second name: %v", keys)
			}
		}
	}
	if keys := b.stored(t, "/registry/pods/"); len(keys) != 1 {
		t.Errorf("the pods are %v, want the known one", keys)
	}
}

func TestNoRightsAreHadByAskingForThemOtherwise(t *testing.T) {
	t.Parallel()
	b := newBurglar(t)
	s := b.speaker(t, "Pod", apis.Orrery, b.ns, "known")
	for _, name := range []string{"known", "known-2"} {
		s.name = name
		if code, answer := s.create(restricted); code != http.StatusCreated {
			t.Fatal(code, answer)
		}
	}
	page := s.do("GET", s.path()+"?limit=1", "", "")
	token, _ := page["metadata"].(map[string]any)["continue"].(string)
	pods := "/apis/core.orrery.dev/v1/pods"
	for _, query := range []string{
		"", "?fieldSelector=metadata.namespace=" + b.ns, "?fieldSelector=spec.nodeName=x", "?labelSelector=x", "?watch=true&timeoutSeconds=1", "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1",
		"?resourceVersion=0", "?limit=1&continue=" + url.QueryEscape(token), "?as=admin", "?as-group=system:masters",
	} {
		for _, at := range []string{pods, "/apis/core.orrery.dev/v1/namespaces/" + b.ns + "/pods", "/apis/core.orrery.dev/v1/watch/pods", "/apis/core.orrery.dev/v1/namespaces/" + b.ns + "/pods/known"} {
			if code, said := b.say(t, b.config, "nobody", "GET", at+query, "", ""); code != http.StatusForbidden {
				t.Errorf("GET %s by nobody is answered %d: %s", at+query, code, said)
			}
		}
	}
	node, err := b.Config(identity.Node("elsewhere"))
	if err != nil {
		t.Fatal(err)
	}
	if code, said := b.say(t, node, "admin", "GET", pods, "Impersonate-Group: system:masters\r\n", ""); code != http.StatusForbidden {
		t.Errorf("a node that says it is somebody else is answered %d: %s", code, said)
	}
	if code, said := b.say(t, &rest.Config{Host: b.config.Host, TLSClientConfig: rest.TLSClientConfig{CAData: b.config.CAData, CAFile: b.config.CAFile}}, "", "POST", pods, "Content-Type: application/cbor\r\n", "x"); code != http.StatusForbidden && code != http.StatusUnauthorized {
		t.Errorf("somebody unknown is answered %d: %s", code, said)
	}
	for _, group := range []string{"", "core.orrery.dev"} {
		review := fmt.Sprintf(`{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"verb":"list","group":%q,"resource":"pods"}}}`, group)
		if _, said := b.say(t, b.config, "nobody", "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "Content-Type: application/json\r\n", review); !strings.Contains(said, `"allowed":false`) && !strings.Contains(said, `"allowed": false`) {
			t.Errorf("nobody is told about pods of the group %q: %s", group, said)
		}
	}
	for _, name := range []string{"known", "known-2"} { // by who has no rights, and who has them elsewhere
		if code, said := b.say(t, b.config, "nobody", "DELETE", "/apis/core.orrery.dev/v1/namespaces/"+b.ns+"/pods/"+name, "", ""); code != http.StatusForbidden {
			t.Errorf("a DELETE by nobody is answered %d: %s", code, said)
		}
		if code, said := b.say(t, b.config, "mallory", "DELETE", "/apis/core.orrery.dev/v1/namespaces/default/pods/"+name, "", ""); code != http.StatusForbidden {
			t.Errorf("a DELETE in another namespace is answered %d: %s", code, said)
		}
	}
}

// TestWhoDefinesKindsCannotReachTheObjects edits what the server finds second names by: their definitions, and the services
// that answer for their groups.
func TestWhoDefinesKindsCannotReachTheObjects(t *testing.T) {
	t.Parallel()
	b := newBurglar(t)
	custom := untyped(t, b.Server, identity.Admin)
	kept := custom.Resource(definitions)
	const name = "pods.core.orrery.dev"
	before, err := kept.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, patch := range []string{
		`{"spec":{"conversion":{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{"url":"https://127.0.0.1:1/"}}}},"metadata":{"labels":{"a":"1"}}}`,
		`{"spec":{"versions":[{"name":"v1","served":false,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]},"metadata":{"labels":{"a":"2"}}}`,
		`{"spec":{"versions":[{"name":"v1","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object"}}},{"name":"v2","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}`,
		`{"spec":{"names":{"shortNames":["no"]}}}`,
	} {
		if _, err := kept.Patch(t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Errorf("%s: %v", patch, err)
		}
	}
	if _, err := kept.Patch(t.Context(), name, types.MergePatchType, []byte(`{"status":{"conditions":[]}}`), metav1.PatchOptions{}, "status"); err != nil {
		t.Error(err)
	}
	after, err := kept.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"spec", "status"} {
		was, err := json.Marshal(before.Object[part])
		if err != nil {
			t.Fatal(err)
		}
		if is, err := json.Marshal(after.Object[part]); err != nil || string(is) != string(was) {
			t.Errorf("the %s of the definition has become %s (%v)", part, is, err)
		}
	}
	if after.GetLabels()["a"] != "2" {
		t.Errorf("its labels are %v, which are for everybody to change", after.GetLabels())
	}

	service := `{"spec":{"service":{"name":"nowhere","namespace":"default"},"insecureSkipTLSVerify":true}}`
	services := custom.Resource(apiServices)
	if _, err := services.Patch(t.Context(), "v1.core.orrery.dev", types.MergePatchType, []byte(service), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	s := b.speaker(t, "Pod", apis.Orrery, b.ns, "known")
	if code, answer := s.create(privileged); code != http.StatusForbidden {
		t.Errorf("with a service that answers for the group, a privileged pod is answered %d: %v", code, answer)
	}
	if code, answer := s.create(restricted); code != http.StatusCreated {
		t.Errorf("with a service that answers for the group, a harmless pod is answered %d: %v", code, answer)
	}
	b.nothingStored(t)
}

// TestRulesThatWouldNotBeAskedAreWarnedOf makes a webhook for a second name, which is no crime but does nothing.
func TestRulesThatWouldNotBeAskedAreWarnedOf(t *testing.T) {
	server := shared(t)
	config, err := server.Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	s := newSpeaker(t, config, samples(t)[0], apis.Kubernetes, "", "x")
	s.do("POST", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations?dryRun=All", plainJSON, `{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{"name":"silent"},"webhooks":[{
		"name":"silent.example.org","clientConfig":{"url":"https://127.0.0.1:1/"},"sideEffects":"None","admissionReviewVersions":["v1"],"rules":[{"apiGroups":["apps.orrery.dev"],"apiVersions":["v1"],"resources":["deployments"],"operations":["CREATE"]}]}]}`)
	if said := s.said[0]; !strings.Contains(said, "\n201 ") || !strings.Contains(said, "are judged as requests for apps") {
		t.Errorf("a webhook for a second name is answered %s", said)
	}
}

// restricted makes a pod one that PodSecurity's strictest level allows.
func restricted(pod map[string]any) {
	spec := pod["spec"].(map[string]any)
	spec["securityContext"] = map[string]any{"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": map[string]any{"type": "RuntimeDefault"}}
	for _, container := range spec["containers"].([]any) {
		container.(map[string]any)["securityContext"] = map[string]any{"allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []any{"ALL"}}}
	}
}
