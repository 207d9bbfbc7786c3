package rbac

import (
	"slices"
	"strings"
)

// Reason is why rights are granted that a test does not use.
type Reason struct {
	// Verb is the one that it is about; empty means every verb.
	Verb string
	// On is the resource or the path that it is about, as [Grant.What] has it: "pods", "deployments.apps/status", "/metrics". Empty means
	// everything.
	On string
	// Only narrows it to rights that stand beside others, of which all has those of the same user. Nil does not.
	Only func(g Grant, all []Grant) bool
	// Maybe says that it is no mistake when nothing is granted that the reason is about, as in a list that several managers share.
	Maybe bool
	// Why is the reason, as a sentence.
	Why string
}

// Covers reports that a right is one that the reason is about.
func (r Reason) Covers(g Grant, all []Grant) bool {
	return (r.Verb == "" || r.Verb == g.Verb) && (r.On == "" || r.On == g.What()) && (r.Only == nil || r.Only(g, all))
}

// Unseen are the reasons that hold for every manager: they are about rights that requests do not show.
func Unseen() []Reason {
	return []Reason{
		{
			Verb: "list", Only: besideVerb("watch"), Maybe: true,
			Why: "the API server streams the first list of a watch; when it cannot, an informer lists",
		},
		{
			Verb: "patch", Only: func(g Grant, all []Grant) bool { return g.Resource == "events" && besideVerb("create")(g, all) }, Maybe: true,
			Why: "an event that comes again is counted",
		},
		{
			Verb: "update", Only: onFinalizers, Maybe: true,
			Why: "the admission plugin OwnerReferencesPermissionEnforcement, where it is on, asks for it of who makes an owner wait for its dependents",
		},
		{
			Only: isNoRequest, Maybe: true,
			Why: "it is no request: the API server asks for it while it answers another",
		},
	}
}

// Loops are the reasons that hold for every loop of the framework, of which Options.Unused may have some more.
func Loops() []Reason {
	return []Reason{{
		Verb: "get", Only: besideWrites, Maybe: true,
		Why: "after a write whose answer was lost, or which did not find the object, the loop asks what became of it",
	}}
}

// besideVerb is about rights on objects that the same user may do something else with, by the same rule or another.
func besideVerb(verb string) func(Grant, []Grant) bool {
	return func(g Grant, all []Grant) bool {
		return slices.ContainsFunc(all, func(other Grant) bool {
			other.By = g.By
			g.Verb = verb
			return other == g
		})
	}
}

// besideWrites is about rights on objects that the same user may write, or a subresource of them.
func besideWrites(g Grant, all []Grant) bool {
	return slices.ContainsFunc(all, func(other Grant) bool {
		written, _ := split(other.Resource)
		return other.Group == g.Group && written == g.Resource && slices.Contains([]string{"create", "update", "patch", "delete"}, other.Verb)
	})
}

// onFinalizers is about rights on finalizers, which there are no requests for.
func onFinalizers(g Grant, _ []Grant) bool { return strings.HasSuffix(g.Resource, "/finalizers") }

// isNoRequest is about rights with verbs that no request has.
func isNoRequest(g Grant, _ []Grant) bool {
	return slices.Contains([]string{"approve", "attest", "bind", "escalate", "impersonate", "sign", "use"}, g.Verb)
}
