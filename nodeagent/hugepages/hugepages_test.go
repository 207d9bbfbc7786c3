package hugepages

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	v1helper "k8s.io/kubernetes/pkg/apis/core/v1/helper"
)

func TestAMachineHasWhatTheKernelHasSetAside(t *testing.T) {
	dir := t.TempDir()
	for name, pages := range map[string]string{"hugepages-2048kB": "8\n", "hugepages-1048576kB": "0\n", "hugepages-64kB": "16\n"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "nr_hugepages"), []byte(pages), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Capacity(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[corev1.ResourceName]string{"hugepages-2Mi": "16Mi", "hugepages-1Gi": "0", "hugepages-64Ki": "1Mi"} {
		if quantity := got[name]; len(got) != 3 || quantity.Cmp(resource.MustParse(want)) != 0 {
			t.Errorf("%s is %s, want %s: %v", name, quantity.String(), want, got)
		}
	}
	if none, err := Capacity(filepath.Join(dir, "none")); err != nil || len(none) != 0 {
		t.Errorf("a kernel without them has %v (%v)", none, err)
	}
}

func TestAContainerMayUseWhatItHasALimitFor(t *testing.T) {
	node := corev1.ResourceList{"hugepages-2Mi": resource.MustParse("0"), "hugepages-1Gi": resource.MustParse("2Gi"), "hugepages-64Ki": {}, corev1.ResourceCPU: resource.MustParse("1")}
	var got []string
	for _, limit := range Limits(corev1.ResourceList{"hugepages-1Gi": resource.MustParse("1Gi")}, node) {
		got = append(got, fmt.Sprintf("%s=%d", limit.PageSize, limit.Limit))
	}
	if text := strings.Join(got, " "); text != "1GB=1073741824 2MB=0 64KB=0" {
		t.Errorf("the limits are %s", text)
	}
}

// TestSizesHaveUpstreamsNames compares with upstream's own function.
func TestSizesHaveUpstreamsNames(t *testing.T) {
	for size := int64(1 << 12); size <= 1<<34; size <<= 1 {
		want, err := v1helper.HugePageUnitSizeFromByteSize(size)
		if got := kernelsName(size); err != nil || got != want {
			t.Errorf("%d is %s, and upstream's %s (%v)", size, got, want, err)
		}
	}
}

func TestAVolumeHasPagesOfOneSize(t *testing.T) {
	pod := func(names ...corev1.ResourceName) *corev1.PodSpec {
		spec := &corev1.PodSpec{}
		for _, name := range names {
			spec.Containers = append(spec.Containers, corev1.Container{Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{name: resource.MustParse("1Gi")}}})
		}
		return spec
	}
	for _, test := range []struct {
		name   string
		spec   *corev1.PodSpec
		medium corev1.StorageMedium
		want   int64
		err    string
	}{
		{"the one that is requested", pod("cpu", "hugepages-2Mi"), corev1.StorageMediumHugePages, 2 << 20, ""},
		{"the one that is requested twice", pod("hugepages-2Mi", "hugepages-2Mi"), corev1.StorageMediumHugePages, 2 << 20, ""},
		{"the one that is named", pod("hugepages-2Mi", "hugepages-1Gi"), "HugePages-1Gi", 1 << 30, ""},
		{"none that nobody requests", pod("hugepages-2Mi"), "HugePages-1Gi", 0, "no container of the pod requests such huge pages"},
		{"none of two", pod("hugepages-2Mi", "hugepages-1Gi"), corev1.StorageMediumHugePages, 0, "of 2 sizes"},
		{"none of none", pod("cpu"), corev1.StorageMediumHugePages, 0, "of 0 sizes"},
		{"none that is no size", pod("cpu"), "HugePages-large", 0, "reading the size of the huge pages"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := OfMedium(test.spec, test.medium)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v, want %q", err, test.err)
				}
				return
			}
			if err != nil || got != test.want {
				t.Errorf("got %d (%v), want %d", got, err, test.want)
			}
		})
	}
}
