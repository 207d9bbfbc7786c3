package restore

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Plan is what is done with each object that was asked for. Its JSON is stable: fields may be added.
type Plan struct {
	// Steps are what is done, in order.
	Steps []Step `json:"steps"`
	Rest
}

// Rest is what nothing is done with.
type Rest struct {
	// Existing are the objects that are there and stay as they are.
	Existing []Entry `json:"existing"`
	// Omitted are the objects of the snapshot that are left out.
	Omitted []Entry `json:"omitted"`
	// Blocked are the objects that cannot be restored as things are.
	Blocked []Entry `json:"blocked"`
	// Needs are objects outside of the namespace that what is restored names, and that somebody has to see to.
	Needs []Entry `json:"needs"`
}

// Entry is an object of the cluster, with the sentence that says what is the matter with it.
type Entry struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
	Why        string `json:"why"`
}

// Object is how the object is called: its kind, namespace and name.
func (e Entry) Object() string {
	return Ref{schema.GroupKind{Kind: e.Kind}, e.Namespace, e.Name}.String()
}

// Verb is what a step does.
type Verb string

// The verbs of steps.
const (
	Create  Verb = "create"
	Replace Verb = "replace"
	Patch   Verb = "patch"
)

// Step is one write.
type Step struct {
	Verb Verb `json:"verb"`
	Entry

	object   *unstructured.Unstructured  // to create, or to be in the place of what is there
	managers []metav1.ManagedFieldsEntry // of the fields of that
	patch    []byte                      // a JSON merge patch
}

func (s Step) String() string { return fmt.Sprintf("%s %s: %s", s.Verb, s.Object(), s.Why) }

// entry is about an object of the cluster.
func entry(o *unstructured.Unstructured, why string) Entry {
	return Entry{APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName(), Why: why}
}

type planner struct {
	request   Request
	world     World
	then      map[Ref]*unstructured.Unstructured
	thenByUID map[types.UID]*unstructured.Unstructured
	again     map[types.UID]string // see madeAgain
	noted     map[Ref]bool
	plan      Plan
}

// Make decides what is done next. An error says why nothing can be done at all.
func Make(world World, request Request) (Plan, error) {
	p := &planner{
		request: request, world: world,
		then: map[Ref]*unstructured.Unstructured{}, thenByUID: map[types.UID]*unstructured.Unstructured{},
		again: map[types.UID]string{}, noted: map[Ref]bool{},
		plan: Plan{Steps: []Step{}, Rest: Rest{Existing: []Entry{}, Omitted: []Entry{}, Blocked: []Entry{}, Needs: []Entry{}}},
	}
	for _, o := range world.Then {
		p.then[refOf(o)], p.thenByUID[o.GetUID()] = o, o
	}
	if err := p.check(); err != nil {
		return Plan{}, err
	}
	for _, o := range p.wanted() {
		p.decide(o)
	}
	if len(p.plan.Steps) > 0 {
		p.namespace()
	}
	slices.SortStableFunc(p.plan.Steps, func(a, b Step) int { return cmp.Compare(rank(a.kind()), rank(b.kind())) })
	slices.SortFunc(p.plan.Needs, func(a, b Entry) int { return strings.Compare(a.Object(), b.Object()) })
	return p.plan, nil
}

func (s Step) kind() schema.GroupKind {
	return schema.FromAPIVersionAndKind(s.APIVersion, s.Kind).GroupKind()
}

// check says why nothing can be done at all.
func (p *planner) check() error {
	from, into := p.request.Namespace, p.request.into()
	if p.world.ThenNamespace == nil {
		return fmt.Errorf("the snapshot has no namespace %q", from)
	}
	for kind, err := range p.world.Unread {
		if p.request.wantsKind(kind) {
			return fmt.Errorf("reading %s of namespace %s in the snapshot: %w: leave them out with --exclude-kinds", kind, from, err)
		}
	}
	target := Ref{namespaceKind, "", into}
	if now := p.world.Now[target]; now != nil && now.GetDeletionTimestamp() != nil {
		return fmt.Errorf("namespace %s is being deleted: wait for that, with 'orrery kubectl wait --for=delete namespace/%s', or choose another with --into", into, into)
	}
	if err := p.world.Unseen[target]; err != nil {
		return fmt.Errorf("reading namespace %s of the cluster: %w", into, err)
	}
	return nil
}

// wanted are the objects that were asked for, by kind and name, those first that are made first.
func (p *planner) wanted() []*unstructured.Unstructured {
	var wanted []*unstructured.Unstructured
	for _, o := range p.world.Then {
		if p.request.wants(o) {
			wanted = append(wanted, o)
		}
	}
	slices.SortStableFunc(wanted, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(cmp.Compare(rank(a.GroupVersionKind().GroupKind()), rank(b.GroupVersionKind().GroupKind())),
			strings.Compare(a.GetKind(), b.GetKind()), strings.Compare(a.GetName(), b.GetName()))
	})
	return wanted
}

// decide decides about an object of the snapshot.
func (p *planner) decide(then *unstructured.Unstructured) {
	if why := p.leftOut(then); why != "" {
		p.plan.Omitted = append(p.plan.Omitted, p.target(then, why))
		return
	}
	if why := p.blocked(then); why != "" {
		if p.defines(then) {
			p.define(then)
		}
		p.plan.Blocked = append(p.plan.Blocked, p.target(then, why))
		return
	}
	p.need(then)
	if then.GroupVersionKind().GroupKind() == claimKind {
		p.rebinds(then)
	}
	if now := p.now(then); now != nil {
		p.exists(then, now)
		return
	}
	p.create(then)
}

// blocked says why an object cannot be restored as things are.
func (p *planner) blocked(then *unstructured.Unstructured) string {
	if !p.serves(then) {
		return p.unserved(then)
	}
	if err := p.world.Unseen[p.ref(then)]; err != nil {
		return fmt.Sprintf("whether it is there could not be seen: %v", err)
	}
	if volume := textAt(then, "spec", "volumeName"); then.GroupVersionKind().GroupKind() == claimKind && volume != "" {
		if err := p.world.Unseen[Ref{volumeKind, "", volume}]; err != nil && p.now(then) == nil {
			return fmt.Sprintf("what became of its volume %s could not be seen: %v", volume, err)
		}
	}
	for _, owner := range then.GetOwnerReferences() {
		group := schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).GroupKind()
		if err := p.world.Unread[group]; err != nil && p.thenByUID[owner.UID] == nil {
			return fmt.Sprintf("its owner %s %s could not be read: %v", owner.Kind, owner.Name, err)
		}
	}
	return ""
}

// unserved says why an object is of no use where the cluster does not serve its kind.
func (p *planner) unserved(then *unstructured.Unstructured) string {
	definition := p.definition(then)
	switch {
	case definition == nil:
		return fmt.Sprintf("the cluster serves no %s of %s", then.GetKind(), then.GetAPIVersion())
	case p.world.Now[refOf(definition)] != nil:
		return fmt.Sprintf("the cluster's CustomResourceDefinition %s does not serve %s", definition.GetName(), then.GetAPIVersion())
	case p.world.Unseen[refOf(definition)] != nil:
		return fmt.Sprintf("the cluster does not serve its kind, and whether that is defined could not be seen: %v", p.world.Unseen[refOf(definition)])
	case p.request.Definitions:
		return fmt.Sprintf("it waits for CustomResourceDefinition %s", definition.GetName())
	default:
		return fmt.Sprintf("the cluster does not know its kind: --include-crds makes CustomResourceDefinition %s too", definition.GetName())
	}
}

// defines reports that the kind of an object is defined by this restore.
func (p *planner) defines(then *unstructured.Unstructured) bool {
	definition := p.definition(then)
	return p.request.Definitions && !p.serves(then) && definition != nil && p.world.Now[refOf(definition)] == nil && p.world.Unseen[refOf(definition)] == nil
}

func (p *planner) serves(then *unstructured.Unstructured) bool {
	_, served := p.world.Served[then.GroupVersionKind()]
	return served
}

// define has the kind of an object be defined, once.
func (p *planner) define(then *unstructured.Unstructured) {
	definition := p.definition(then)
	if ref := refOf(definition); !p.noted[ref] {
		p.noted[ref] = true
		made := portable(definition)
		annotate(made, definition.GetUID())
		p.plan.Steps = append(p.plan.Steps, Step{Verb: Create, Entry: entry(made, "the cluster does not know this kind"), object: made})
	}
}

// definition is that of the kind of an object in the snapshot; nil for a kind that has none.
func (p *planner) definition(of *unstructured.Unstructured) *unstructured.Unstructured {
	kind := of.GroupVersionKind()
	for ref, o := range p.world.Beyond {
		if ref.GroupKind == definitionKind && textAt(o, "spec", "group") == kind.Group && textAt(o, "spec", "names", "kind") == kind.Kind {
			return o
		}
	}
	return nil
}

// namespace has the namespace made if it is not there, with the labels that it had: those of Pod Security are among them.
func (p *planner) namespace() {
	if p.world.Now[Ref{namespaceKind, "", p.request.into()}] != nil {
		return
	}
	made := moved(portable(p.world.ThenNamespace), p.request.Namespace, p.request.into())
	annotate(made, p.world.ThenNamespace.GetUID())
	p.plan.Steps = append(p.plan.Steps, Step{Verb: Create, Entry: entry(made, "it is not there"), object: made})
}

// create has an object made.
func (p *planner) create(then *unstructured.Unstructured) {
	made := moved(portable(then), p.request.Namespace, p.request.into())
	why := []string{"it is not there"}
	if owner := controllerOf(then); owner != nil && p.comes(owner.UID) {
		why = append(why, fmt.Sprintf("before %s %s, which would make another one", owner.Kind, owner.Name))
	}
	owners, more := p.owners(then)
	made.SetOwnerReferences(owners)
	why = append(why, more...)
	finalizers, more := p.finalizers(then)
	made.SetFinalizers(finalizers)
	why = append(why, more...)
	switch then.GroupVersionKind().GroupKind() {
	case claimKind:
		coming := p.prospect(then)
		if coming.volume != "" {
			made.Object["spec"].(map[string]any)["volumeName"] = coming.volume
		}
		if coming.why != "" {
			why = append(why, coming.why)
		}
	case serviceKind:
		why = append(why, addresses(then, made)...)
	case secretKind:
		if isToken(then) {
			why = append(why, "its token is made anew, and differs")
		}
	case jobKind:
		why = append(why, "it begins anew")
	}
	annotate(made, then.GetUID())
	p.plan.Steps = append(p.plan.Steps, Step{Verb: Create, Entry: entry(made, strings.Join(why, "; ")), object: made, managers: managers(then)})
}

// managers are those of the fields of an object, but of its status.
func managers(then *unstructured.Unstructured) []metav1.ManagedFieldsEntry {
	return slices.DeleteFunc(then.GetManagedFields(), func(m metav1.ManagedFieldsEntry) bool { return m.Subresource != "" })
}

// annotate notes which object of the snapshot one is.
func annotate(made *unstructured.Unstructured, then types.UID) {
	annotations := made.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[RestoredUID] = string(then)
	made.SetAnnotations(annotations)
}

// addresses says which addresses of a Service are not those that it had.
func addresses(then, made *unstructured.Unstructured) []string {
	var why []string
	if had := textAt(then, "spec", "clusterIP"); had != "" && textAt(made, "spec", "clusterIP") == "" {
		why = append(why, fmt.Sprintf("it gets another cluster IP than %s", had))
	}
	if hasNodePorts(then) && !hasNodePorts(made) {
		why = append(why, "it gets other node ports")
	}
	return why
}

func hasNodePorts(service *unstructured.Unstructured) bool {
	ports, _, _ := unstructured.NestedSlice(service.Object, "spec", "ports") // absent: it has none
	return slices.ContainsFunc(ports, func(port any) bool {
		p, ok := port.(map[string]any)
		return ok && p["nodePort"] != nil
	})
}

// exists decides about an object that is there.
func (p *planner) exists(then, now *unstructured.Unstructured) {
	wanted := moved(portable(then), p.request.Namespace, p.request.into())
	same := equality.Semantic.DeepEqual(wanted.Object, portable(now).Object)
	restored := uidThen(now) == then.GetUID()
	if restored {
		p.adopt(then, now)
	}
	fixed := isFixed(then.GroupVersionKind().GroupKind())
	if !same && p.request.Overwrite && !fixed {
		p.replace(then, wanted, now)
		return
	}
	var why string
	switch {
	case restored:
		why = "it was restored"
	case now.GetUID() == then.GetUID():
		why = "it is still the one that it was"
	default:
		why = "another one has its name"
	}
	switch {
	case same:
		why += ", and is as in the snapshot"
	case p.request.Overwrite && fixed:
		why += ", and differs: little of a " + then.GetKind() + " can be changed: delete it, and restore again"
	default:
		why += ", and differs: --overwrite replaces it"
	}
	p.plan.Existing = append(p.plan.Existing, entry(now, why))
}

// replace has an object be what it was, but for who owns and holds it now.
func (p *planner) replace(then, wanted, now *unstructured.Unstructured) {
	wanted.SetUID(now.GetUID())
	wanted.SetResourceVersion(now.GetResourceVersion())
	wanted.SetOwnerReferences(now.GetOwnerReferences())
	wanted.SetFinalizers(now.GetFinalizers())
	if uid := uidThen(now); uid != "" {
		annotate(wanted, uid)
	}
	p.plan.Steps = append(p.plan.Steps, Step{Verb: Replace, Entry: entry(wanted, "it is there, and differs"), object: wanted, managers: managers(then)})
}

// target is an entry about an object of the snapshot, where it belongs.
func (p *planner) target(then *unstructured.Unstructured, why string) Entry {
	e := entry(then, why)
	e.Namespace = p.request.into()
	return e
}

// ref is where an object of the snapshot belongs in the cluster.
func (p *planner) ref(then *unstructured.Unstructured) Ref { return p.request.place(then) }

// now is what the cluster has in the place of an object of the snapshot.
func (p *planner) now(then *unstructured.Unstructured) *unstructured.Unstructured {
	return p.world.Now[p.ref(then)]
}
