package apiserver_test

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/identity"
)

// sampled is a kind with two names, and a sample of it.
type sampled struct {
	apis.Kind
	object map[string]any
}

// samples are all kinds with two names that have a sample in config/samples.
func samples(t *testing.T) []sampled {
	t.Helper()
	paths, err := fs.Glob(os.DirFS("../config/samples"), "*_*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	byKind := map[string]map[string]any{}
	for _, path := range paths {
		data, err := os.ReadFile(filepath.Join("../config/samples", path))
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]any
		if err := yaml.Unmarshal(data, &object); err != nil {
			t.Fatal(err)
		}
		byKind[object["kind"].(string)] = object
	}
	var all []sampled
	for _, kind := range apis.Kinds() {
		if object := byKind[kind.Kind]; object != nil {
			all = append(all, sampled{kind, object})
		} else {
			t.Errorf("config/samples has no %s", kind.Kind)
		}
	}
	return all
}

// speaker makes requests for the objects of one kind by one of its names, and writes down what is answered.
type speaker struct {
	t         *testing.T
	client    *http.Client
	server    string
	kind      sampled
	naming    apis.Naming
	namespace string
	name      string
	said      []string
	agent     string // what it calls itself in the audit log; empty for what Go says
}

func newSpeaker(t *testing.T, config *rest.Config, kind sampled, naming apis.Naming, namespace, name string) *speaker {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return &speaker{t: t, client: client, server: config.Host, kind: kind, naming: naming, namespace: namespace, name: name}
}

// path is where the API has the objects.
func (s *speaker) path(more ...string) string {
	gvr := s.kind.GroupVersionResource(s.naming)
	path := "/apis/" + gvr.Group + "/" + gvr.Version
	if gvr.Group == "" {
		path = "/api/" + gvr.Version
	}
	if s.kind.Scope == apis.Namespaced {
		path += "/namespaces/" + s.namespace
	}
	return strings.Join(append([]string{path + "/" + gvr.Resource}, more...), "/")
}

// object is the sample by this name.
func (s *speaker) object(changes ...func(map[string]any)) string {
	data, err := json.Marshal(s.kind.object)
	if err != nil {
		s.t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		s.t.Fatal(err)
	}
	object["apiVersion"] = s.kind.GroupVersionKind(s.naming).GroupVersion().String()
	object["metadata"].(map[string]any)["name"] = s.name
	for _, change := range changes {
		change(object)
	}
	if data, err = json.Marshal(object); err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

// do makes a request, writes down the answer, and returns it.
func (s *speaker) do(method, path, contentType, body string, headers ...string) map[string]any {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.server+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	if s.agent != "" {
		request.Header.Set("User-Agent", s.agent)
	}
	response, err := s.client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	data, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		s.t.Fatal(err)
	}
	answer, warnings := s.plain(ordered(data)), response.Header.Values("Warning")
	if response.StatusCode == http.StatusConflict {
		warnings = nil // there are some if the server first tried with an object that was no longer the newest
	}
	s.said = append(s.said, fmt.Sprintf("%s %s %s\n%d %s warnings %q\n%s", method, s.plain(path), contentType,
		response.StatusCode, response.Header.Get("Content-Type"), warnings, answer))
	var object map[string]any
	_ = json.Unmarshal(data, &object) // what is no object has no fields
	return object
}

// ordered is an answer, line by line, with managers in an order that does not depend on when they wrote, within the second or
// not. What is no object stays as it is.
func ordered(answer []byte) string {
	var lines []string
	for line := range strings.Lines(string(answer)) {
		var object any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			lines = append(lines, line)
			continue
		}
		orderManagers(object)
		if inOrder, err := json.Marshal(object); err == nil {
			line = string(inOrder) + "\n"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

func orderManagers(node any) {
	switch node := node.(type) {
	case map[string]any:
		for name, value := range node {
			orderManagers(value)
			if entries, ok := value.([]any); ok && name == "managedFields" {
				slices.SortFunc(entries, func(a, b any) int { return strings.Compare(byManager(a), byManager(b)) })
			}
		}
	case []any:
		for _, value := range node {
			orderManagers(value)
		}
	}
}

func byManager(entry any) string {
	fields, _ := entry.(map[string]any)
	return fmt.Sprint(fields["manager"], fields["operation"], fields["subresource"])
}

var passing = []*regexp.Regexp{
	regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`),
	regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`),
	regexp.MustCompile(`resourceVersion[\\": ]+\d+`),
	regexp.MustCompile(`kube-api-access-\w+`),
	regexp.MustCompile(`10\.96\.\d+\.\d+`),
	regexp.MustCompile(`"continue":"[^"]*"`),
	regexp.MustCompile(`"(clusterIPs?|nodePort|healthCheckNodePort)":(\["[^"]*"\]|"[^"]*"|\d+)`),
	regexp.MustCompile(`"\d+s"`), // an age in a table
}

// plain is text without what differs between any two objects, in the words of the first name.
func (s *speaker) plain(text string) string {
	for _, pattern := range passing {
		text = pattern.ReplaceAllString(text, "PASSING")
	}
	text = strings.ReplaceAll(text, s.name, "NAME")
	if s.namespace != "" {
		text = strings.ReplaceAll(text, s.namespace, "NAMESPACE")
	}
	for _, kind := range apis.Kinds() {
		first, second := kind.GroupVersionKind(apis.Kubernetes).GroupVersion(), kind.GroupVersionKind(apis.Orrery).GroupVersion()
		place := "/apis/" + first.String() + "/"
		if first.Group == "" {
			place = "/api/" + first.Version + "/"
		}
		text = strings.ReplaceAll(text, "/apis/"+second.String()+"/", place)
		text = strings.ReplaceAll(text, `"`+second.String()+`"`, `"`+first.String()+`"`)
		text = strings.ReplaceAll(text, `: `+second.String()+"\n", `: `+first.String()+"\n")
	}
	return text
}

const (
	jsonPatch      = "application/json-patch+json"
	mergePatch     = "application/merge-patch+json"
	strategicPatch = "application/strategic-merge-patch+json"
	applyPatch     = "application/apply-patch+yaml"
	plainJSON      = "application/json"
)

// everything does everything that can be done with objects of a kind, and with its subresources.
func (s *speaker) everything() {
	gv := s.kind.GroupVersionKind(s.naming).GroupVersion().String()
	unknown := func(object map[string]any) { object["unheardOf"] = true }
	owned := func(object map[string]any) {
		object["metadata"].(map[string]any)["ownerReferences"] = []any{
			map[string]any{"apiVersion": apis.Kinds()[0].GroupVersionKind(s.naming).GroupVersion().String(), "kind": "Node", "name": "gone", "uid": "00000000-0000-0000-0000-000000000001"},
			map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "00000000-0000-0000-0000-000000000002"},
		}
	}
	label := func(value string) string {
		return fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"labels":{"planet":%q}}}`, gv, s.kind.Kind.Kind, value)
	}
	apply := func(name string) string {
		return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n  labels:\n    moon: titan\n", gv, s.kind.Kind.Kind, name)
	}
	one, mine := s.path(s.name), "fieldSelector=metadata.name="+s.name

	s.do("POST", s.path()+"?dryRun=All", plainJSON, s.object())
	s.do("POST", s.path()+"?fieldValidation=Strict", plainJSON, s.object(unknown))
	s.do("POST", s.path()+"?fieldValidation=Warn&dryRun=All", plainJSON, s.object(unknown))
	s.do("POST", s.path(), plainJSON, `{"apiVersion":"`+gv+`","kind":"Unicorn"}`)
	s.do("POST", s.path(), plainJSON, `{"apiVersion":`)
	s.do("POST", s.path(), "application/yaml", s.inYAML(s.object(owned)))
	s.do("POST", s.path(), plainJSON, s.object())
	created := s.do("GET", one, "", "")
	s.do("GET", s.path()+"?limit=500&"+mine, "", "")
	s.do("GET", s.path()+"?"+mine, "", "", "Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
	s.do("GET", one, "", "", "Accept", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")
	s.do("GET", one, "", "", "Accept", "application/yaml")
	s.do("GET", s.path()+"?watch=true&timeoutSeconds=1&"+mine, "", "")
	s.do("GET", s.path()+"?limit=1&continue=nonsense", "", "")
	s.do("HEAD", one, "", "")
	s.do("GET", s.path()+"?fieldSelector=nonsense=1", "", "")

	s.do("PATCH", one, mergePatch, label("saturn"))
	s.do("PATCH", one, strategicPatch, label("jupiter"))
	s.do("PATCH", one, jsonPatch, `[{"op":"test","path":"/apiVersion","value":"`+gv+`"},{"op":"add","path":"/metadata/labels/ring","value":"yes"}]`)
	s.do("PATCH", one, jsonPatch, `[{"op":"test","path":"/apiVersion","value":"nonsense"}]`)
	s.do("PATCH", one+"?fieldManager=me", applyPatch, apply(s.name))
	s.do("PATCH", one+"?fieldManager=other", applyPatch, strings.ReplaceAll(apply(s.name), "titan", "io"))
	s.do("PATCH", one+"?fieldManager=other&force=true", applyPatch, strings.ReplaceAll(apply(s.name), "titan", "io"))
	s.do("PATCH", one, "application/nonsense", label("mars"))
	s.do("PATCH", one, mergePatch, `{"metadata":{"resourceVersion":"1"}}`)
	s.do("PATCH", one, mergePatch, `{"metadata":{"uid":"nonsense"}}`)
	if created["spec"] != nil {
		s.do("PATCH", one, mergePatch, `{"spec":{"replicas":1}}`)
		s.do("PATCH", one, mergePatch, `{"spec":{"selector":{"matchLabels":{"other":"x"}}}}`)
	}
	s.do("PUT", one, plainJSON, s.object())
	s.do("PUT", one, plainJSON, s.object(func(object map[string]any) { object["metadata"].(map[string]any)["name"] = "another" }))
	s.do("PUT", one+"/status", plainJSON, s.object())
	s.do("PATCH", one+"/status", mergePatch, `{"status":{"observedGeneration":7}}`)
	s.do("PATCH", one+"/status", jsonPatch, `[{"op":"test","path":"/apiVersion","value":"`+gv+`"},{"op":"add","path":"/metadata/labels/status","value":"no"}]`)
	s.do("PATCH", one+"/status?fieldManager=me", applyPatch, apply(s.name))
	s.do("GET", one+"/status", "", "")
	s.do("GET", one+"/scale", "", "")
	s.do("PUT", one+"/scale", plainJSON, `{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"`+s.name+`"},"spec":{"replicas":2}}`)
	s.do("PATCH", one+"/scale?fieldManager=me&force=true", applyPatch, "apiVersion: autoscaling/v1\nkind: Scale\nmetadata:\n  name: "+s.name+"\nspec:\n  replicas: 4\n")
	s.do("PATCH", one+"/scale", mergePatch, `{"spec":{"replicas":3}}`)
	s.do("GET", one+"/nonsense", "", "")
	for _, connect := range []string{"/exec?command=x&stdout=true", "/attach?stdout=true", "/portforward", "/proxy", "/proxy/some/where"} {
		s.do("GET", one+connect, "", "")
		s.do("POST", one+connect, "", "")
	}
	if s.kind.Kind.Kind == "Pod" {
		s.do("POST", one+"/eviction", plainJSON, `{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"`+s.name+`"},"deleteOptions":{"dryRun":["All"]}}`)
		s.do("POST", one+"/binding", plainJSON, `{"apiVersion":"`+gv+`","kind":"Binding","metadata":{"name":"`+s.name+`"},"target":{"kind":"Node","name":"nowhere"}}`)
		s.do("PATCH", one+"/resize", strategicPatch, `{"spec":{"containers":[{"name":"nonsense"}]}}`)
		s.do("PATCH", one+"/ephemeralcontainers", strategicPatch, `{"spec":{"ephemeralContainers":[{"name":"debug","image":"x"}]}}`)
		s.do("GET", one+"/resize", "", "")
		s.do("GET", one+"/ephemeralcontainers", "", "")
		s.do("GET", one+"/log", "", "")
	}
	s.do("GET", one, "", "")

	s.do("DELETE", one, plainJSON, `{"apiVersion":"`+gv+`","kind":"DeleteOptions","preconditions":{"uid":"nonsense"}}`)
	s.do("DELETE", one+"?dryRun=All", "", "")
	s.do("DELETE", one, plainJSON, `{"apiVersion":"v1","kind":"DeleteOptions","gracePeriodSeconds":0,"propagationPolicy":"Background"}`)
	s.do("GET", one, "", "")
	s.do("DELETE", one, "", "")
	s.do("POST", s.path(), plainJSON, s.object(func(object map[string]any) {
		object["metadata"].(map[string]any)["labels"] = map[string]any{"collection": s.name}
	}))
	s.do("DELETE", s.path()+"?gracePeriodSeconds=0&labelSelector=collection="+s.name, "", "")
}

func (s *speaker) inYAML(object string) string {
	data, err := yaml.JSONToYAML([]byte(object))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

// walk does everything with objects of a kind, by either name, and compares what is answered, request by request. Each name has
// a namespace of its own, with labels.
func (k sampled) walk(t *testing.T, config *rest.Config, labels map[string]string, everything func(s *speaker)) {
	t.Helper()
	said := map[apis.Naming][]string{}
	for _, naming := range apis.Namings() {
		ns := ""
		if k.Scope == apis.Namespaced {
			ns = accountedNamespace(t, config, labels)
		}
		s := newSpeaker(t, config, k, naming, ns, fmt.Sprintf("by-%s-name", map[apis.Naming]string{apis.Kubernetes: "first", apis.Orrery: "other"}[naming]))
		everything(s)
		said[naming] = s.said
	}
	for i, first := range said[apis.Kubernetes] {
		if diff := cmp.Diff(first, said[apis.Orrery][i]); diff != "" {
			t.Errorf("the second name is answered otherwise (-first +second):\n%s", diff)
		}
	}
	if n := len(said[apis.Kubernetes]); n < 40 {
		t.Errorf("only %d requests", n)
	}
}

// accountedNamespace is a namespace whose pods have an account.
func accountedNamespace(t *testing.T, config *rest.Config, labels map[string]string) string {
	t.Helper()
	admin, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	created, err := admin.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-", Labels: labels}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ns := created.Name
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	if _, err := admin.CoreV1().ServiceAccounts(ns).Create(t.Context(), account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return ns
}

// TestBothNamesAreAnsweredAlike does with objects of every kind all that can be done, by either name, and compares what is
// answered, request by request: defaults, validation, immutable fields, generations, managed fields, warnings and errors.
func TestBothNamesAreAnsweredAlike(t *testing.T) {
	config, err := shared(t).Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range samples(t) {
		t.Run(kind.Kind.Kind, func(t *testing.T) {
			t.Parallel()
			kind.walk(t, config, nil, func(s *speaker) {
				s.everything()
				if !strings.Contains(strings.Join(s.said, "\n"), "\n201 ") {
					t.Error("nothing was created")
				}
			})
		})
	}
}
