package nodeinfo

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/resources"
)

// PodInfo is a pod with what plugins would otherwise compute again and again. It never changes.
type PodInfo struct {
	pod                     *corev1.Pod
	usage                   fwk.PodResource
	requiredAffinity        []fwk.AffinityTerm
	requiredAntiAffinity    []fwk.AffinityTerm
	preferredAffinity       []fwk.WeightedAffinityTerm
	preferredAntiAffinity   []fwk.WeightedAffinityTerm
	hasAffinity             bool
	hasRequiredAntiAffinity bool
}

var _ fwk.PodInfo = &PodInfo{}

// NewPodInfo computes what is derived from a pod. Affinity terms whose selectors cannot be parsed are reported in the
// error and left out; the PodInfo is usable all the same, because the API server stores such pods.
func NewPodInfo(pod *corev1.Pod) (*PodInfo, error) {
	info := &PodInfo{pod: pod, usage: resources.Usage(pod)}
	affinity := pod.Spec.Affinity
	if affinity == nil || affinity.PodAffinity == nil && affinity.PodAntiAffinity == nil {
		return info, nil
	}
	info.hasAffinity = true
	return info, info.parseAffinity(affinity)
}

// On returns the same pod as it will be once it is bound to a node. The copy shares everything but the node's name.
func (p *PodInfo) On(node string) *PodInfo {
	pod, info := *p.pod, *p
	pod.Spec.NodeName = node
	info.pod = &pod
	return &info
}

func (p *PodInfo) parseAffinity(affinity *corev1.Affinity) error {
	var errs []error
	parse := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("parsing %s of pod %s/%s: %w", what, p.pod.Namespace, p.pod.Name, err))
		}
	}
	var err error
	if wanted := affinity.PodAffinity; wanted != nil {
		p.requiredAffinity, err = fwk.GetAffinityTerms(p.pod, wanted.RequiredDuringSchedulingIgnoredDuringExecution)
		parse("required affinity", err)
		p.preferredAffinity, err = fwk.GetWeightedAffinityTerms(p.pod, wanted.PreferredDuringSchedulingIgnoredDuringExecution)
		parse("preferred affinity", err)
	}
	if unwanted := affinity.PodAntiAffinity; unwanted != nil {
		required := unwanted.RequiredDuringSchedulingIgnoredDuringExecution
		p.hasRequiredAntiAffinity = len(required) > 0
		p.requiredAntiAffinity, err = fwk.GetAffinityTerms(p.pod, required)
		parse("required anti-affinity", err)
		p.preferredAntiAffinity, err = fwk.GetWeightedAffinityTerms(p.pod, unwanted.PreferredDuringSchedulingIgnoredDuringExecution)
		parse("preferred anti-affinity", err)
	}
	return errors.Join(errs...)
}

// GetPod returns the pod. Do not change it.
func (p *PodInfo) GetPod() *corev1.Pod { return p.pod }

// GetRequiredAffinityTerms returns the parsed required affinity.
func (p *PodInfo) GetRequiredAffinityTerms() []fwk.AffinityTerm { return p.requiredAffinity }

// GetRequiredAntiAffinityTerms returns the parsed required anti-affinity.
func (p *PodInfo) GetRequiredAntiAffinityTerms() []fwk.AffinityTerm { return p.requiredAntiAffinity }

// GetPreferredAffinityTerms returns the parsed preferred affinity.
func (p *PodInfo) GetPreferredAffinityTerms() []fwk.WeightedAffinityTerm { return p.preferredAffinity }

// GetPreferredAntiAffinityTerms returns the parsed preferred anti-affinity.
func (p *PodInfo) GetPreferredAntiAffinityTerms() []fwk.WeightedAffinityTerm {
	return p.preferredAntiAffinity
}

// CalculateResource returns what the pod takes away from its node.
func (p *PodInfo) CalculateResource() fwk.PodResource { return p.usage }
