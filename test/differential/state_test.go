package differential

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// state is what a namespace holds, by names that are the same on both sides: a name that was drawn at random is replaced by its
// prefix and a number, which follows from what the object is like.
type state struct {
	// objects are those of the server, by kind and name.
	objects map[string]client.Object
	// texts are the same objects without what differs by nature, and fields what they are made of.
	texts  map[string]string
	fields map[string]map[string]any
	// worked says that somebody else than the scenarios has written one of the objects.
	worked bool
	// events are who it was that something happened to, the reason and who tells of it, with one of the messages, which are not compared.
	events map[string]string
}

// shown is what of a namespace is compared.
type shown struct {
	// itself adds the Namespace.
	itself bool
	// alike says that pods with names that were drawn at random are told apart by what they are like, and not by whom they were made by.
	alike bool
	// undisrupted leaves out why pods are about to go.
	undisrupted bool
}

// state reads a namespace. What is gone and had a random name is known by what it was called
// before, to which what is there now is added.
func (s *side) state(ctx context.Context, namespace string, shown shown, gone map[string]string) (*state, error) {
	objects, events, err := s.read(ctx, namespace, shown.itself)
	if err != nil {
		return nil, err
	}
	n := &namer{names: maps.Clone(gone)}
	trees := make([]*tree, 0, len(objects))
	for _, obj := range objects {
		t, err := newTree(obj)
		if err != nil {
			return nil, err
		}
		if t.key() == "ConfigMap/kube-root-ca.crt" {
			continue
		}
		if shown.alike {
			t.forgetMaker()
		}
		if shown.undisrupted {
			t.forgetDisruption()
		}
		trees = append(trees, t)
	}
	n.learn(trees)
	for _, t := range trees {
		if t.random() {
			gone[t.object.GetName()] = t.prefix + "#gone"
		}
	}
	return n.state(trees, events), nil
}

// tree is an object as fields, and who it is.
type tree struct {
	object client.Object
	kind   string
	name   string
	// prefix is what a name begins with that was drawn at random.
	prefix string
	fields map[string]any
}

func newTree(obj client.Object) (*tree, error) {
	kind, err := kindOfObject(obj)
	if err != nil {
		return nil, err
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return nil, fmt.Errorf("reading %s %s as fields: %w", kind.Kind, obj.GetName(), err)
	}
	fields = runtime.DeepCopyJSON(fields)
	t := &tree{object: obj, kind: kind.Kind, name: obj.GetName(), prefix: prefixOf(obj), fields: fields}
	t.scrub()
	return t, nil
}

// prefixOf is what the name of an object begins with that was drawn at random. A mirrored slice that upstream has written twice does not
// say it any more.
func prefixOf(obj client.Object) string {
	service := obj.GetLabels()[discoveryv1.LabelServiceName]
	if _, slice := obj.(*discoveryv1.EndpointSlice); slice && strings.HasPrefix(obj.GetName(), service+"-") {
		return service + "-"
	}
	return obj.GetGenerateName()
}

func (t *tree) key() string { return t.kind + "/" + t.name }

// random says whether the name was drawn by the API server. Pods of StatefulSets have a prefix as well, and a name of their own.
func (t *tree) random() bool {
	_, ordinal := t.object.GetLabels()["apps.kubernetes.io/pod-index"]
	return t.prefix != "" && !ordinal
}

// forgetMaker takes out by what name a pod's first owner was called.
func (t *tree) forgetMaker() {
	if t.kind == "Pod" && t.random() {
		t.prefix = "pod-"
		delete(t.fields["metadata"].(map[string]any), "generateName")
	}
}

// forgetDisruption takes out that somebody announced a pod's deletion.
func (t *tree) forgetDisruption() {
	if status, ok := t.fields["status"].(map[string]any); ok && t.kind == "Pod" {
		conditions, _ := status["conditions"].([]any)
		status["conditions"] = slices.DeleteFunc(conditions, func(c any) bool { return c.(map[string]any)["type"] == string(corev1.DisruptionTarget) })
	}
}

// namer replaces what the two sides call differently.
type namer struct {
	names map[string]string // of what only one side has: names, UIDs, addresses
	// within replaces them within longer strings; nil until it is needed.
	within *strings.Replacer
}

func (n *namer) call(real, name string) { n.names[real], n.within = name, nil }

// replacer replaces longer names first, of which others may be the beginning.
func (n *namer) replacer() *strings.Replacer {
	if n.within == nil {
		reals := slices.SortedFunc(maps.Keys(n.names), func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
		pairs := make([]string, 0, 2*len(reals))
		for _, real := range reals {
			pairs = append(pairs, real, n.names[real])
		}
		n.within = strings.NewReplacer(pairs...)
	}
	return n.within
}

// learn names everything. Pods come first, because slices of endpoints are told apart by them.
func (n *namer) learn(trees []*tree) {
	for _, t := range trees {
		if ip := podIP(t.object); ip != "" {
			n.call(ip, "IP-of-itself")
		}
	}
	pods := func(t *tree) bool { return t.kind == "Pod" }
	n.number(slices.DeleteFunc(slices.Clone(trees), func(t *tree) bool { return !pods(t) }))
	for _, t := range trees {
		if ip := podIP(t.object); ip != "" {
			n.call(ip, "IP-of-"+t.name)
		}
	}
	n.number(slices.DeleteFunc(slices.Clone(trees), pods))
	for _, t := range trees {
		n.call(string(t.object.GetUID()), "UID-of-"+t.key())
	}
}

func podIP(obj client.Object) string {
	if pod, ok := obj.(*corev1.Pod); ok {
		return pod.Status.PodIP
	}
	return ""
}

// number gives objects with random names the same name on both sides.
func (n *namer) number(trees []*tree) {
	groups := map[string][]*tree{}
	for _, t := range trees {
		if t.random() {
			groups[t.kind+"/"+t.prefix] = append(groups[t.kind+"/"+t.prefix], t)
		}
	}
	for _, group := range groups {
		likeness := map[*tree]string{}
		for _, t := range group {
			likeness[t] = strings.ReplaceAll(text(n.renamed(t)), t.name, "ITSELF")
		}
		slices.SortFunc(group, func(a, b *tree) int {
			return cmp.Or(cmp.Compare(likeness[a], likeness[b]), a.object.GetCreationTimestamp().Compare(b.object.GetCreationTimestamp().Time), cmp.Compare(a.name, b.name))
		})
		for i, t := range group {
			name := fmt.Sprintf("%s#%d", t.prefix, i)
			n.call(t.name, name)
			t.name = name
		}
	}
}

var (
	times = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	// refused names a pod in the API server's answer to who wanted to create it.
	refused = regexp.MustCompile(`^(pods "[a-z0-9-]+-)[a-z0-9]{5}"`)
	uids    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
)

// renamed are the fields of an object without times, and with the names that are known so far.
func (n *namer) renamed(t *tree) map[string]any {
	fields := n.rename(runtime.DeepCopyJSON(t.fields)).(map[string]any)
	order(t.kind, fields)
	return fields
}

func text(fields map[string]any) string {
	data, err := json.MarshalIndent(fields, "", " ")
	if err != nil {
		panic(err) // it was made from JSON
	}
	return string(data)
}

func (n *namer) rename(value any) any {
	switch value := value.(type) {
	case map[string]any:
		delete(value, "resourceVersion") // in references, too
		for key, v := range value {
			value[key] = n.rename(v)
		}
	case []any:
		for i, v := range value {
			value[i] = n.rename(v)
		}
	case string:
		return n.renameString(value)
	}
	return value
}

func (n *namer) renameString(s string) string {
	const time, uid, shortest = 20, 36, 5 // what is shorter is not drawn
	if name, known := n.names[s]; known {
		return name
	}
	if len(s) < shortest {
		return s
	}
	if len(s) >= time {
		s = times.ReplaceAllString(s, "TIME")
		s = refused.ReplaceAllString(s, `$1#refused"`)
	}
	s = n.replacer().Replace(s)
	if len(s) >= uid {
		s = uids.ReplaceAllString(s, "UID-of-nobody")
	}
	return s
}

func (n *namer) state(trees []*tree, events []corev1.Event) *state {
	s := &state{objects: map[string]client.Object{}, texts: map[string]string{}, fields: map[string]map[string]any{}, events: map[string]string{}}
	for _, t := range trees {
		key, fields := t.key(), n.renamed(t)
		s.objects[key], s.fields[key], s.texts[key] = t.object, fields, text(fields)
		s.worked = s.worked || slices.ContainsFunc(t.object.GetManagedFields(), func(f metav1.ManagedFieldsEntry) bool { return f.Manager != scenarios })
	}
	for _, e := range events {
		if slices.Contains(serversOwn, recorder(e)) || strings.Contains(e.Message, slowDisk) {
			continue
		}
		s.worked = true
		about := n.renameString(e.InvolvedObject.Name)
		if e.InvolvedObject.Kind == "Pod" {
			about = about[:strings.LastIndex(about, "-")+1] // not every pod that something happened to is still there to be named
		}
		s.events[fmt.Sprintf("%s/%s %s %s by %s", e.InvolvedObject.Kind, about, e.Type, e.Reason, recorder(e))] = e.Message
	}
	return s
}

// serversOwn are loops of the API server itself that record Events: a new Service may be seen by them before its address is.
var serversOwn = []string{"ipallocator-repair-controller", "portallocator-repair-controller"}

// slowDisk is in what an API server answers whose etcd cannot write in time.
const slowDisk = "etcdserver: request timed out"

// recorder is who recorded an Event, by either of the APIs that there are for that.
func recorder(e corev1.Event) string { return cmp.Or(e.ReportingController, e.Source.Component) }

func kindOfObject(obj client.Object) (schema.GroupVersionKind, error) {
	kind, err := apiutil.GVKForObject(obj, scheme.Scheme)
	if err != nil {
		return kind, fmt.Errorf("naming the kind of %T: %w", obj, err)
	}
	return kind, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func kindOf(list client.ObjectList) (schema.GroupVersionKind, error) {
	kind, err := apiutil.GVKForObject(list, scheme.Scheme)
	if err != nil {
		return kind, fmt.Errorf("naming the kind of %T: %w", list, err)
	}
	kind.Kind = strings.TrimSuffix(kind.Kind, "List")
	return kind, nil
}

func items(list client.ObjectList) ([]client.Object, error) {
	extracted, err := meta.ExtractList(list)
	if err != nil {
		return nil, fmt.Errorf("reading %T: %w", list, err)
	}
	objects := make([]client.Object, len(extracted))
	for i, obj := range extracted {
		objects[i] = obj.(client.Object)
	}
	return objects, nil
}
