package config

import (
	"maps"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	configv1 "k8s.io/kube-scheduler/config/v1"
)

// typedArgs are the plugins whose arguments have a type in kube-scheduler's API, by the plugin's name. Whoever builds one of
// these plugins is given its arguments complete and valid.
var typedArgs = map[string]argsType{
	"DefaultPreemption":               argsOf(completePreemption, validatePreemption),
	"DynamicResources":                argsOf(completeDynamicResources, validateDynamicResources),
	"InterPodAffinity":                argsOf(completeInterPodAffinity, validateInterPodAffinity),
	"NodeAffinity":                    argsOf(func(*configv1.NodeAffinityArgs) {}, validateNodeAffinity),
	"NodeResourcesBalancedAllocation": argsOf(completeBalanced, validateBalanced),
	"NodeResourcesFit":                argsOf(completeFit, validateFit),
	"PodTopologySpread":               argsOf(completeSpread, validateSpread),
	"VolumeBinding":                   argsOf(completeVolumeBinding, validateVolumeBinding),
}

// argsType is the type of a plugin's arguments: how to make empty ones, to set what is not set, and to check them.
type argsType struct {
	empty    func() runtime.Object
	complete func(runtime.Object)
	validate func(*field.Path, runtime.Object) field.ErrorList
}

func argsOf[T any, P interface {
	*T
	runtime.Object
}](complete func(P), validate func(*field.Path, P) field.ErrorList) argsType {
	return argsType{
		empty:    func() runtime.Object { return P(new(T)) },
		complete: func(args runtime.Object) { complete(args.(P)) },
		validate: func(path *field.Path, args runtime.Object) field.ErrorList { return validate(path, args.(P)) },
	}
}

// accepts reports whether arguments are of the type.
func (t argsType) accepts(args runtime.Object) bool {
	return reflect.TypeOf(args) == reflect.TypeOf(t.empty())
}

// completeArgs gives every enabled plugin that has a type of arguments some, and sets in all of them what is not set.
func completeArgs(configs []configv1.PluginConfig, enabled []string) []configv1.PluginConfig {
	missing := maps.Clone(typedArgs)
	for _, config := range configs {
		delete(missing, config.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		if slices.Contains(enabled, name) {
			configs = append(configs, configv1.PluginConfig{Name: name, Args: runtime.RawExtension{Object: missing[name].empty()}})
		}
	}
	for i := range configs {
		typed, known := typedArgs[configs[i].Name]
		if !known {
			continue
		}
		args := &configs[i].Args
		if args.Object == nil {
			args.Object = typed.empty()
		}
		if typed.accepts(args.Object) {
			typed.complete(args.Object)
		}
	}
	return configs
}

// validateArgs checks the arguments of a plugin that has a type for them. It is called with complete ones.
func validateArgs(path *field.Path, config configv1.PluginConfig) field.ErrorList {
	typed, known := typedArgs[config.Name]
	if !known {
		return nil
	}
	if !typed.accepts(config.Args.Object) {
		return field.ErrorList{field.TypeInvalid(path, config.Args.Object, "must be "+config.Name+"Args")}
	}
	return typed.validate(path, config.Args.Object)
}
