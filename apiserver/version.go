package apiserver

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync"

	apimachineryversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/component-base/compatibility"
	"k8s.io/component-base/featuregate"
	baseversion "k8s.io/component-base/version"

	"github.com/orrery-dev/orrery/internal/version"
)

// KubernetesVersion is the release of Kubernetes whose API server this is, for instance "v1.37.1": the version that
// the linker was told of, or else that of the module this binary was built with.
var KubernetesVersion = sync.OnceValue(func() string {
	if linked := baseversion.Get().GitVersion; !strings.HasPrefix(linked, "v0.0.0-") {
		return linked
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			if module.Path == "k8s.io/kubernetes" {
				return module.Version
			}
		}
	}
	return "v" + baseversion.DefaultKubeBinaryVersion + ".0"
})

// newRegistry is where one server's flags about versions and feature gates end up. The gates of all servers of a process are
// the same, but not the registry: it keeps what was asked for, also by a start that failed.
func newRegistry(gates featuregate.MutableVersionedFeatureGate) (compatibility.ComponentGlobalsRegistry, error) {
	registry := compatibility.NewComponentGlobalsRegistry()
	stated := statedVersion{compatibility.NewEffectiveVersionFromString(
		strings.TrimPrefix(KubernetesVersion(), "v"), "1.31", "1.31")}
	if err := registry.Register(compatibility.DefaultKubeComponent, stated, gates); err != nil {
		return nil, fmt.Errorf("registering the version of the API server: %w", err)
	}
	return registry, nil
}

// statedVersion makes /version name our release, which without linker flags would be v0.0.0-master, and the program that it is of.
type statedVersion struct {
	compatibility.MutableEffectiveVersion
}

// Info implements compatibility.EffectiveVersion.
func (v statedVersion) Info() *apimachineryversion.Info {
	info := v.MutableEffectiveVersion.Info()
	if info != nil {
		info.GitVersion = version.Stated(KubernetesVersion())
	}
	return info
}
