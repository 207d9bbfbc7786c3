package node

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestWhatCannotBeReservedIsRefused(t *testing.T) {
	for says, s := range map[string]ReservedSettings{
		`"pods" cannot be reserved`:    {KubeReserved: map[string]string{"pods": "1"}},
		`memory is "-1"`:               {SystemReserved: map[string]string{"memory": "-1"}},
		`cpu is "much"`:                {SystemReserved: map[string]string{"cpu": "much"}},
		`"all" is not known`:           {EnforceNodeAllocatable: []string{"all"}},
		"none excludes all others":     {EnforceNodeAllocatable: []string{"pods", "none"}},
		"needs a kubeReservedCgroup":   {EnforceNodeAllocatable: []string{"kube-reserved"}},
		"needs a systemReservedCgroup": {EnforceNodeAllocatable: []string{"system-reserved"}},
	} {
		if _, err := s.Parse(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v, want %q in it", err, says)
		}
	}
	memory := func(amount string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(amount), PIDs: resource.MustParse("100")}
	}
	if err := CheckReserved(memory("2Gi"), memory("1Gi")); err == nil || !strings.Contains(err.Error(), "2Gi are to be reserved, and it has 1Gi") {
		t.Errorf("the error is %v", err)
	}
	if err := CheckReserved(memory("1Gi"), memory("1Gi")); err != nil {
		t.Error(err)
	}
}

func TestWhatIsEnforced(t *testing.T) {
	for _, test := range []struct {
		name string
		s    ReservedSettings
		what string
		want bool
	}{
		{"pods by default", ReservedSettings{}, EnforcePods, true},
		{"nothing else by default", ReservedSettings{}, EnforceKubeReserved, false},
		{"nothing at all", ReservedSettings{EnforceNodeAllocatable: []string{"none"}}, EnforcePods, false},
		{"nothing, with an empty list", ReservedSettings{EnforceNodeAllocatable: []string{}}, EnforcePods, false},
		{"what is named", ReservedSettings{EnforceNodeAllocatable: []string{EnforcePods, EnforceSystemReserved}}, EnforceSystemReserved, true},
	} {
		if got := test.s.Enforces(test.what); got != test.want {
			t.Errorf("%s: it enforces %s: %t", test.name, test.what, got)
		}
	}
}
