package restore

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// references are where objects name others that live in no namespace, by the kinds that do. A pod template is looked at wherever it is.
var references = []struct {
	in   func(schema.GroupKind) bool
	path []string
	to   schema.GroupKind
}{
	{is(claimKind), []string{"spec", "storageClassName"}, classKind},
	{is(claimKind), []string{"spec", "volumeName"}, volumeKind},
	{is(schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}), []string{"spec", "ingressClassName"}, schema.GroupKind{Group: "networking.k8s.io", Kind: "IngressClass"}},
	{is(podKind), []string{"spec", "priorityClassName"}, priorityClassKind},
	{is(podKind), []string{"spec", "runtimeClassName"}, runtimeClassKind},
	{anyKind, []string{"spec", "template", "spec", "priorityClassName"}, priorityClassKind},
	{anyKind, []string{"spec", "template", "spec", "runtimeClassName"}, runtimeClassKind},
}

func anyKind(schema.GroupKind) bool { return true }

// beyond are the objects that an object names and that live in no namespace.
func beyond(o *unstructured.Unstructured) []Ref {
	var refs []Ref
	kind := o.GroupVersionKind().GroupKind()
	for _, r := range references {
		if name := textAt(o, r.path...); r.in(kind) && name != "" {
			refs = append(refs, Ref{r.to, "", name})
		}
	}
	if kind == bindingKind && textAt(o, "roleRef", "kind") == clusterRoleKind.Kind {
		refs = append(refs, Ref{clusterRoleKind, "", textAt(o, "roleRef", "name")})
	}
	return refs
}

// need notes what of the cluster an object will miss.
func (p *planner) need(o *unstructured.Unstructured) {
	for _, ref := range beyond(o) {
		if ref.GroupKind != volumeKind && p.world.Now[ref] == nil && p.world.Unseen[ref] == nil {
			p.needs(ref, fmt.Sprintf("it is not there, and %s %s names it: %s", o.GetKind(), o.GetName(), p.howTo(ref)))
		}
	}
	switch now := p.now(o); o.GroupVersionKind().GroupKind() {
	case accountKind:
		p.needBindings(o)
	case claimKind:
		if coming := p.prospect(o); coming.need != "" && (now == nil || phase(now) == string(corev1.ClaimPending)) {
			p.needs(Ref{volumeKind, "", textAt(o, "spec", "volumeName")}, coming.need)
		}
	}
}

// needBindings notes the ClusterRoleBindings that gave a service account rights, and do not now.
func (p *planner) needBindings(account *unstructured.Unstructured) {
	for ref, then := range p.world.Beyond {
		if ref.GroupKind != clusterRoleBindingKind || !binds(then, account.GetNamespace(), account.GetName()) {
			continue
		}
		switch now := p.world.Now[ref]; {
		case now != nil && binds(now, p.request.into(), account.GetName()):
		case now != nil:
			p.needs(ref, fmt.Sprintf("it gave rights to service account %s, and does not name the one in %s", account.GetName(), p.request.into()))
		case p.world.Unseen[ref] == nil:
			p.needs(ref, fmt.Sprintf("it is not there, and gave rights to service account %s: %s", account.GetName(), p.howTo(ref)))
		}
	}
}

// binds reports that a binding gives its role to a service account.
func binds(binding *unstructured.Unstructured, namespace, name string) bool {
	subjects, _, _ := unstructured.NestedSlice(binding.Object, "subjects") // absent: to nobody
	for _, subject := range subjects {
		if s, ok := subject.(map[string]any); ok && s["kind"] == accountKind.Kind && s["namespace"] == namespace && s["name"] == name {
			return true
		}
	}
	return false
}

// needs notes an object once.
func (p *planner) needs(ref Ref, why string) {
	if p.noted[ref] {
		return
	}
	p.noted[ref] = true
	p.plan.Needs = append(p.plan.Needs, Entry{APIVersion: p.version(ref), Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name, Why: why})
}

// version is the apiVersion by which the snapshot has an object beyond the namespace; empty if it has not.
func (p *planner) version(ref Ref) string {
	if then := p.world.Beyond[ref]; then != nil {
		return then.GetAPIVersion()
	}
	return ""
}

// howTo says how to look at an object of the snapshot that lives in no namespace, so as to make it again.
func (p *planner) howTo(ref Ref) string {
	if p.world.Beyond[ref] == nil {
		return "the snapshot has none either"
	}
	word := ref.Kind
	if ref.Group != "" {
		word += "." + ref.Group
	}
	return fmt.Sprintf("see 'orrery snapshot kubectl FILE get %s %s -o yaml'", word, ref.Name)
}
