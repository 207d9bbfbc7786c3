package interpodaffinity

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

// parse returns the parsed terms of the pod that is to be scheduled, required and preferred. Terms that cannot be parsed
// are an error in kube-scheduler's words: they end in the pod's condition.
func parse(pod *corev1.Pod) (*terms, error) {
	affinity := pod.Spec.Affinity
	if affinity == nil || affinity.PodAffinity == nil && affinity.PodAntiAffinity == nil {
		return &terms{}, nil
	}
	var near, far []corev1.WeightedPodAffinityTerm
	if affinity.PodAffinity != nil {
		near = affinity.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution
	}
	if affinity.PodAntiAffinity != nil {
		far = affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution
	}
	t, errs := &terms{}, make([]error, 4)
	t.affinity, errs[0] = fwk.GetAffinityTerms(pod, fwk.GetPodAffinityTerms(affinity))
	t.antiAffinity, errs[1] = fwk.GetAffinityTerms(pod, fwk.GetPodAntiAffinityTerms(affinity))
	t.preferred, errs[2] = fwk.GetWeightedAffinityTerms(pod, near)
	t.shunned, errs[3] = fwk.GetWeightedAffinityTerms(pod, far)
	names := []string{"requiredAffinityTerms", "requiredAntiAffinityTerms", "preferredAffinityTerms", "preferredAntiAffinityTerms"}
	for i, err := range errs {
		if err != nil {
			errs[i] = fmt.Errorf("%s: %w", names[i], err)
		}
	}
	return t, utilerrors.NewAggregate(errs)
}

// terms are those of the pod that is to be scheduled.
type terms struct {
	affinity, antiAffinity []fwk.AffinityTerm
	preferred, shunned     []fwk.WeightedAffinityTerm
}

// resolve replaces a namespace selector by the names of the namespaces that it matches now. One that matches all
// namespaces stays.
func (p *Plugin) resolve(term *fwk.AffinityTerm) error {
	if term.NamespaceSelector.Empty() {
		return nil
	}
	if _, selects := term.NamespaceSelector.Requirements(); !selects {
		return nil
	}
	namespaces, err := p.namespaces.List(term.NamespaceSelector)
	if err != nil {
		return fmt.Errorf("listing namespaces: %w", err)
	}
	for _, namespace := range namespaces {
		term.Namespaces.Insert(namespace.Name)
	}
	term.NamespaceSelector = labels.Nothing()
	return nil
}

func (p *Plugin) resolveAll(terms []fwk.AffinityTerm) error {
	for i := range terms {
		if err := p.resolve(&terms[i]); err != nil {
			return err
		}
	}
	return nil
}

// matchesAll reports whether there are terms and a pod matches all of them. The terms are resolved.
func matchesAll(terms []fwk.AffinityTerm, pod *corev1.Pod) bool {
	for i := range terms {
		if !terms[i].Matches(pod, nil) {
			return false
		}
	}
	return len(terms) > 0
}

func matchesAny(terms []fwk.AffinityTerm, pod *corev1.Pod) bool {
	for i := range terms {
		if terms[i].Matches(pod, nil) {
			return true
		}
	}
	return false
}

// matchingPods asks how many of a node's pods match all of the terms. Nodes without any do not count.
func matchingPods(terms []fwk.AffinityTerm, key string) topologycount.Query {
	names := make([]string, len(terms))
	for i := range terms {
		names[i] = topologycount.TermName(&terms[i])
	}
	return topologycount.Query{
		Name:     "pods " + strings.Join(names, " and "),
		Topology: topologycount.Topology{Key: key},
		Count: func(node fwk.NodeInfo) (matching int64, counts bool) {
			for _, pod := range node.GetPods() {
				if matchesAll(terms, pod.GetPod()) {
					matching++
				}
			}
			return matching, matching > 0
		},
		Of: kindsOf(terms),
	}
}

// kindsOf returns for each label that a term wants a value of, in namespaces that are known by name, the pods that have it.
func kindsOf(terms []fwk.AffinityTerm) (kinds []topologycount.PodsWith) {
	for i := range terms {
		term := &terms[i]
		if _, selects := term.NamespaceSelector.Requirements(); selects {
			continue // All namespaces: see resolve.
		}
		requirements, _ := term.Selector.Requirements()
		for j := range requirements {
			switch requirements[j].Operator() {
			case selection.Equals, selection.DoubleEquals, selection.In:
				kinds = append(kinds, topologycount.PodsWith{
					Namespaces: sets.List(term.Namespaces), Label: requirements[j].Key(), Values: requirements[j].ValuesUnsorted(),
				})
			}
		}
	}
	return kinds
}
