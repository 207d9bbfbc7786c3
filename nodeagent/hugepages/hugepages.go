package hugepages

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Dir is where the kernel tells of them.
const Dir = "/sys/kernel/mm/hugepages"

// Capacity are the huge pages that are set aside, in bytes for each size that the machine knows, also where there are none. A kernel
// without huge pages has none.
func Capacity(dir string) (corev1.ResourceList, error) {
	found, err := filepath.Glob(filepath.Join(dir, "hugepages-*kB"))
	if err != nil {
		return nil, fmt.Errorf("looking for huge pages in %s: %w", dir, err)
	}
	capacity := corev1.ResourceList{}
	for _, path := range found {
		kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "hugepages-"), "kB"), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("reading the size of the huge pages in %s: %w", path, err)
		}
		text, err := os.ReadFile(filepath.Join(path, "nr_hugepages"))
		if err != nil {
			return nil, fmt.Errorf("reading how many huge pages there are: %w", err)
		}
		pages, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("reading how many huge pages there are in %s: %w", path, err)
		}
		size := resource.NewQuantity(kilobytes<<10, resource.BinarySI)
		capacity[corev1.ResourceName(corev1.ResourceHugePagesPrefix+size.String())] = *resource.NewQuantity(pages*size.Value(), resource.BinarySI)
	}
	return capacity, nil
}

// Is says whether a resource is huge pages.
func Is(name corev1.ResourceName) bool {
	return strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix)
}

// Size is that of the pages which a resource is, in bytes.
func Size(name corev1.ResourceName) (int64, error) {
	size, err := resource.ParseQuantity(strings.TrimPrefix(string(name), corev1.ResourceHugePagesPrefix))
	if err != nil {
		return 0, fmt.Errorf("reading the size of the huge pages %s: %w", name, err)
	}
	return size.Value(), nil
}

// Limits are what a container may use of each size that the node has: nothing, unless it has a limit.
func Limits(limits, node corev1.ResourceList) []*runtimeapi.HugepageLimit {
	var list []*runtimeapi.HugepageLimit
	for name := range node {
		if size, err := Size(name); Is(name) && err == nil {
			limit := limits[name]
			list = append(list, &runtimeapi.HugepageLimit{PageSize: kernelsName(size), Limit: uint64(limit.Value())})
		}
	}
	slices.SortFunc(list, func(a, b *runtimeapi.HugepageLimit) int { return strings.Compare(a.PageSize, b.PageSize) })
	return list
}

// kernelsName is what control groups call a size: 64KB, 2MB, 1GB.
func kernelsName(size int64) string {
	units := []string{"B", "KB", "MB", "GB"}
	unit := 0
	for size >= 1024 && unit < len(units)-1 {
		size /= 1024
		unit++
	}
	return strconv.FormatInt(size, 10) + units[unit]
}

// OfMedium is the size of the pages of a volume, in bytes: the one that its medium names, or else the only one that the pod's containers
// request.
func OfMedium(spec *corev1.PodSpec, medium corev1.StorageMedium) (int64, error) {
	if size, named := strings.CutPrefix(string(medium), string(corev1.StorageMediumHugePagesPrefix)); named {
		bytes, err := Size(corev1.ResourceName(corev1.ResourceHugePagesPrefix + size))
		if err == nil && !requests(spec)[bytes] {
			err = fmt.Errorf("medium %s: no container of the pod requests such huge pages", medium)
		}
		return bytes, err
	}
	sizes := requests(spec)
	if len(sizes) != 1 {
		return 0, fmt.Errorf("medium %s: containers of the pod request huge pages of %d sizes: want one, or the size in the medium", medium, len(sizes))
	}
	for size := range sizes {
		return size, nil
	}
	return 0, nil // unreachable: there is one
}

// requests are the sizes that containers request.
func requests(spec *corev1.PodSpec) map[int64]bool {
	sizes := map[int64]bool{}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for name := range c.Resources.Requests {
			if size, err := Size(name); Is(name) && err == nil {
				sizes[size] = true
			}
		}
	}
	return sizes
}
