package restore

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// owners are the owners of an object as far as they are there, by the UIDs that they have there, and sentences about the others.
func (p *planner) owners(then *unstructured.Unstructured) (there []metav1.OwnerReference, why []string) {
	for _, ref := range then.GetOwnerReferences() {
		name := ref.Kind + " " + ref.Name
		switch now := p.ownerNow(ref); {
		case now != nil:
			ref.UID = now.GetUID()
			there = append(there, ref)
		case p.comes(ref.UID):
			why = append(why, fmt.Sprintf("owned by %s once that is there", name))
		case p.world.Unseen[beyondRef(ref)] != nil:
			why = append(why, fmt.Sprintf("without its owner %s, which could not be seen: %v", name, p.world.Unseen[beyondRef(ref)]))
		default:
			why = append(why, fmt.Sprintf("without its owner %s, which is not there and not restored", name))
		}
	}
	return there, why
}

// comes reports that an object of the snapshot is one of those that are restored.
func (p *planner) comes(uid types.UID) bool {
	owner := p.thenByUID[uid]
	return owner != nil && p.request.wants(owner) && p.leftOut(owner) == "" && (p.blocked(owner) == "" || p.defines(owner))
}

// ownerNow is the owner of an object of the snapshot, as it is in the cluster; nil for none.
func (p *planner) ownerNow(ref metav1.OwnerReference) *unstructured.Unstructured {
	if owner := p.thenByUID[ref.UID]; owner != nil {
		return p.now(owner)
	}
	return p.world.Now[beyondRef(ref)]
}

// beyondRef is an owner that lives in no namespace.
func beyondRef(owner metav1.OwnerReference) Ref {
	return Ref{schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).GroupKind(), "", owner.Name}
}

// adopt gives an object that was restored to those of its owners that have come since. One that a controller has taken meanwhile gets no other.
func (p *planner) adopt(then, now *unstructured.Unstructured) {
	there, _ := p.owners(then)
	missing := slices.DeleteFunc(there, func(owner metav1.OwnerReference) bool {
		taken := owner.Controller != nil && *owner.Controller && controllerOf(now) != nil
		return taken || hasOwner(now, owner)
	})
	if len(missing) == 0 {
		return
	}
	var names []string
	for _, owner := range missing {
		names = append(names, owner.Kind+" "+owner.Name)
	}
	p.patch(now, map[string]any{"metadata": map[string]any{"ownerReferences": append(now.GetOwnerReferences(), missing...)}},
		"its owner is there now: "+strings.Join(names, ", "))
}

// finalizers are those of an object whose controllers the cluster has, as far as can be told from the groups that it serves: one that
// nobody takes away would keep the object for ever, and those of Kubernetes itself are put on again.
func (p *planner) finalizers(then *unstructured.Unstructured) (kept, why []string) {
	for _, finalizer := range then.GetFinalizers() {
		domain, _, qualified := strings.Cut(finalizer, "/")
		switch {
		case !qualified || isKubernetes(domain):
		case p.servesGroupOf(domain):
			kept = append(kept, finalizer)
		default:
			why = append(why, fmt.Sprintf("without finalizer %s, which nothing here would take away", finalizer))
		}
	}
	return kept, why
}

// isKubernetes reports that a domain is Kubernetes' own.
func isKubernetes(domain string) bool {
	return isWithin(domain, "k8s.io") || isWithin(domain, "kubernetes.io")
}

func isWithin(domain, of string) bool { return domain == of || strings.HasSuffix(domain, "."+of) }

// servesGroupOf reports that the cluster serves a group of a domain, or the domain is within such a group.
func (p *planner) servesGroupOf(domain string) bool {
	for kind := range p.world.Served {
		if group := kind.Group; strings.Contains(group, ".") && !isKubernetes(group) && (isWithin(group, domain) || isWithin(domain, group)) {
			return true
		}
	}
	return false
}
